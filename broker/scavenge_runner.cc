#include "broker/scavenge_runner.h"

namespace skald::broker {

Result<wire::msg::ScavengeAnswer> ScavengeRunner::ask(const wire::msg::Scavenge& question) {
    const std::scoped_lock lock(mutex_);
    if (question.run != run_) {
        if (standing_.running) {
            return Error(Errc::busy, "the log is being scavenged already");
        }
        run_ = question.run;
        standing_ = {};
        standing_.running = true;
        failure_.reset();
        // Waits for the thread of the run before, which has let go of the mutex for good.
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    if (failure_) {
        return *failure_;
    }
    wire::msg::ScavengeAnswer answer = standing_;
    answer.id = question.id;
    return answer;
}

void ScavengeRunner::run(const std::stop_token& stop) {
    auto report = volume_.scavenge(
        [this](std::uint64_t done, std::uint64_t total) {
            const std::scoped_lock lock(mutex_);
            standing_.done = done;
            standing_.total = total;
        },
        stop);
    const std::scoped_lock lock(mutex_);
    standing_.running = false;
    if (report) {
        standing_.report = *report;
    } else {
        failure_ = std::move(report.error());
    }
}

}  // namespace skald::broker
