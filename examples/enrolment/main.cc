// Students enrol in courses, all at once, and no course gets a student too many, no student a
// course too many. Checks its own counts; ends non-zero when one is wrong.
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "course.h"
#include "skald/cqrs/testing.h"
#include "skald/store.h"

namespace {

using namespace enrolment;
using skald::cqrs::Decisions;
using skald::cqrs::tag_of;
using skald::cqrs::tagged;

constexpr int kStudents = 12;
constexpr std::uint32_t kSeats = 5;

int fail(const std::string& why) {
    std::fprintf(stderr, "enrolment: %s\n", why.c_str());
    return 1;
}

bool rules_hold() {
    using skald::cqrs::given;
    const auto verdict = given<Enrolment>(CourseOffered{"", 1}, Enrolled{"", "ann"})
                             .when(Enrol{})
                             .then_rejected(Full{});
    std::printf("%s", verdict.text().c_str());
    return verdict.ok();
}

// False when the name is taken by another course.
bool offer(Decisions<Enrolment>& decisions, const std::string& course, const std::string& title) {
    const auto done = decisions.execute(
        enrolment_of(course, ""), Offer{kSeats},
        {.command_id = "offer",
         .fail_if_exists = skald::Query{{tagged<CourseOffered>({tag_of("title", title)})}},
         .tags = {tag_of("title", title)}});
    return done && done->accepted();
}

// Every student tries every course, each in a thread of their own.
void enrol_all(Decisions<Enrolment>& decisions, const std::vector<std::string>& courses) {
    std::vector<std::thread> students;
    for (int i = 0; i < kStudents; ++i) {
        students.emplace_back([&decisions, &courses, i] {
            const std::string student = "s" + std::to_string(i);
            for (const std::string& course : courses) {
                (void)decisions.execute(enrolment_of(course, student), Enrol{},
                                        {.command_id = student});
            }
        });
    }
    for (std::thread& student : students) {
        student.join();
    }
}

int run(const std::string& directory) {
    if (!rules_hold()) {
        return fail("the rules do not hold");
    }
    auto store = skald::open_store(directory);
    if (!store) {
        return fail(store.error().message);
    }
    Decisions<Enrolment> decisions(**store, {.conflict = {.attempts = 100}});
    const std::vector<std::string> courses{"go", "chess", "bridge"};
    for (const std::string& course : courses) {
        if (!offer(decisions, course, "Playing " + course)) {
            return fail("a course cannot be offered");
        }
    }
    if (offer(decisions, "draughts", "Playing go")) {
        return fail("two courses of one title");
    }
    enrol_all(decisions, courses);
    std::uint32_t taken = 0;
    for (const std::string& course : courses) {
        const auto state = decisions.load(enrolment_of(course, ""));
        if (!state || state->free > kSeats) {
            return fail("a course was booked over");
        }
        taken += kSeats - state->free;
    }
    for (int i = 0; i < kStudents; ++i) {
        const auto state = decisions.load(enrolment_of("", "s" + std::to_string(i)));
        if (!state || state->courses > Enrolment::kCoursesOfStudent) {
            return fail("a student is in too many courses");
        }
    }
    std::printf("%u of %u seats are taken; %llu conflicts were decided again\n", taken,
                kSeats * static_cast<std::uint32_t>(courses.size()),
                static_cast<unsigned long long>(decisions.stats().conflicts));
    // Twelve students of two courses each leave no seat of fifteen free.
    return taken == kSeats * courses.size() ? 0 : fail("seats were left free");
}

}  // namespace

int main(int argc, char** argv) {
    return run(argc > 1 ? argv[1] : "enrolment-data");
}
