// skald lock: a program that runs while it holds a name, and who holds which.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <stop_token>
#include <thread>

#include "cli/child_process.h"
#include "cli/commands/commands.h"
#include "cli/coord_words.h"
#include "cli/json_writer.h"
#include "cli/work.h"
#include "skald/locks.h"

namespace skald::cli {
namespace {

using coord::Lock;
using coord::LockOptions;
using coord::Locks;
using coord::LockStatus;
using std::chrono::milliseconds;

constexpr milliseconds kLook{100};  // between two looks at whether the lock is held

struct Options {
    StoreChoice store;
    std::string name;
    std::vector<std::string> words;
    std::optional<std::chrono::microseconds> ttl;
    std::optional<std::chrono::microseconds> wait;
    std::string by;
    std::string reason;
};

using LockWork = Work<Options, Locks>;

// Whether it had the lock to its end.
Result<void> ended(const LockWork& work, Lock& lock, bool lost) {
    const auto released = lock.release();
    if (lost || (!released && released.error().code == Errc::not_found)) {
        return Error(Errc::fenced, fmt::format("the lock {} was lost while {} ran",
                                               work.options.name, work.options.words.front()));
    }
    return {};
}

// Until it ends, on its own or since it was asked to. The name is another's a third of the lease's
// time after it is lost at the earliest: a sixth after that is seen it is killed.
Result<void> attend(const LockWork& work, ChildProcess& child, Lock& lock, milliseconds ttl) {
    const Clock& clock = SystemClock::instance();  // that of the program and its lease
    const StopSignal* stop = &work.invocation.console.stop;
    std::optional<Monotonic> kill_at;
    for (;;) {
        switch (child.wait(kLook, stop)) {
            case ChildProcess::Woke::ended:
                *work.invocation.status = child.status();
                return ended(work, lock, kill_at.has_value());
            case ChildProcess::Woke::stopped:
                child.signal(SIGTERM);
                stop = nullptr;
                break;
            case ChildProcess::Woke::late:
                break;
        }
        if (!kill_at && !lock.held()) {
            child.signal(SIGTERM);
            kill_at = clock.monotonic() + ttl / 6;
        } else if (kill_at && clock.monotonic() >= *kill_at) {
            child.signal(SIGKILL);
        }
    }
}

// Requests a stop of whoever waits for the lock once the command is to stop; ends when told to, at
// once: the lock may be held by then.
class StopsWaiting {
  public:
    StopsWaiting(const StopSignal& stop, StopSignal over)
        : over_(std::move(over)), thread_([this, &stop] {
              if (stop.wait_either(over_)) {
                  source_.request_stop();
              }
          }) {}
    ~StopsWaiting() {
        over_.request();
        thread_.join();
    }
    StopsWaiting(const StopsWaiting&) = delete;
    StopsWaiting& operator=(const StopsWaiting&) = delete;
    std::stop_token token() const { return source_.get_token(); }

  private:
    const StopSignal over_;
    std::stop_source source_;
    std::thread thread_;
};

Result<std::unique_ptr<Lock>> take(const LockWork& work, LockOptions wanted) {
    const StopSignal& stop = work.invocation.console.stop;
    auto over = StopSignal::create();
    if (!over) {
        return over.error();
    }
    const StopsWaiting stops(stop, std::move(*over));
    wanted.stop = stops.token();
    auto lock = work.target.acquire({work.options.name}, wanted);
    if (lock && stop.requested()) {
        return Error(Errc::timed_out, "it was stopped before the program began");
    }
    return lock;
}

Result<void> run_locked(LockWork& work) {
    const Options& options = work.options;
    LockOptions wanted;
    wanted.owner = options.by.empty() ? this_process() : options.by;
    wanted.ttl = in_milliseconds(options.ttl).value_or(wanted.ttl);
    wanted.wait = in_milliseconds(options.wait).value_or(wanted.wait);
    auto lock = take(work, wanted);
    if (!lock) {
        return lock.error();
    }
    const auto token = std::to_string((*lock)->token(options.name));
    auto child =
        ChildProcess::start(options.words, {{"SKALD_LOCK_NAME", options.name},
                                            {"SKALD_LOCK_TOKEN", token},
                                            {"SKALD_LOCK_FENCE", options.name + ":" + token}});
    if (!child) {
        return child.error();
    }
    return attend(work, *child, **lock, wanted.ttl);
}

std::string line_of(const LockStatus& lock, Time now) {
    std::string line = fmt::format("{}: held by {} for {}, token {}", lock.name, lock.owner,
                                   age_text(lock.since, now), lock.token);
    if (!lock.waiters.empty()) {
        line += fmt::format("; waiting: {}", fmt::join(lock.waiters, ", "));
    }
    return line;
}

std::string json_of(const LockStatus& lock, Time now) {
    std::string text;
    JsonWriter json(text);
    json.begin_object().field("name", lock.name).field("owner", lock.owner);
    json.field("token", lock.token).field("since", to_string(lock.since));
    json.field("age_seconds", age_seconds(lock.since, now)).key("waiters").begin_array();
    for (const std::string& waiter : lock.waiters) {
        json.string(waiter);
    }
    json.end_array().end_object();
    return text;
}

Result<void> list(LockWork& work) {
    const auto locks = work.target.list();
    if (!locks) {
        return locks.error();
    }
    const Time now = work.now();
    for (const LockStatus& lock : *locks) {
        work.output.line(work.output.json() ? json_of(lock, now) : line_of(lock, now));
    }
    return {};
}

Result<void> take_away(LockWork& work) {
    const Options& options = work.options;
    const std::string by = options.by.empty() ? this_process() : options.by;
    return work.said(work.target.take_away(options.name, by, options.reason),
                     options.name + ": taken away from its holder");
}

Result<void> list_breaks(LockWork& work) {
    const auto breaks = work.target.taken_away();
    if (!breaks) {
        return breaks.error();
    }
    for (const coord::LockBreak& one : *breaks) {
        if (work.output.json()) {
            std::string text;
            JsonWriter json(text);
            json.begin_object().field("name", one.name).field("owner", one.owner);
            json.field("by", one.by).field("reason", one.reason).field("at", to_string(one.at));
            json.end_object();
            work.output.line(text);
        } else {
            work.output.line(fmt::format("{}: {} took it from {} at {}: {}", one.name, one.by,
                                         one.owner, to_string(one.at), one.reason));
        }
    }
    return {};
}

void declare_nothing(Arguments&, Options&) {}

void declare_run(Arguments& arguments, Options& options) {
    arguments.text("NAME", "", options.name, "the lock's name").required();
    arguments.list("CMD", "", options.words, "behind `--`: the program and its arguments")
        .required();
    arguments.duration("--ttl", "TIME", options.ttl,
                       "others get it so long after this program died; default 10s");
    arguments.duration("--wait", "TIME", options.wait,
                       "for it to be free; default: it is only tried");
    arguments.text("--owner", "TEXT", options.by, "shown to others; default host:pid");
}

void declare_break(Arguments& arguments, Options& options) {
    arguments.text("NAME", "", options.name, "the lock's name").required();
    arguments.text("--reason", "TEXT", options.reason, "why, kept with it").required();
    arguments.text("--by", "TEXT", options.by, "who; default host:pid");
}

std::unique_ptr<Locks> open(coord::Coord& coord, const Invocation&) {
    return coord::open_locks(coord);
}

}  // namespace

Command lock_command() {
    const CoordChildren<Options, Locks> child(open);
    return {.name = "lock",
            .summary = "Names that one process at a time holds",
            .example = "skald lock run nightly -- ./report.sh",
            .declare = {},
            .run = {},
            .children = {
                child.make("run", "Run a program while holding a lock; its exit status is ours",
                           "skald lock run nightly --ttl 10s --wait 1m -- ./report.sh", declare_run,
                           run_locked),
                child.make("ls", "Who holds which, and who waits", "skald lock ls", declare_nothing,
                           list),
                child.make("break", "Take one from its holder",
                           "skald lock break nightly --reason 'host is down'", declare_break,
                           take_away),
                child.make("breaks", "The last time that each was taken away", "skald lock breaks",
                           declare_nothing, list_breaks)}};
}

}  // namespace skald::cli
