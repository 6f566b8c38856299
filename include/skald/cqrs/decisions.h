// Decisions on whatever events they need, across streams: a dynamic consistency boundary.
//
//     Decisions<Seats> decisions(store);
//     const Boundary<Seats> boundary{
//         Query{{tagged<CourseOffered, Enrolled>({tag_of("course", course)}),
//                tagged<Enrolled>({tag_of("student", student)})}},
//         "enrolment-" + course,                       // where the events go
//         Seats{course, student}};                     // before any event
//     auto done = decisions.execute(boundary, Enrol{course, student}, {.command_id = request_id});
//
// The state is a decider's (decider.h): folded from the events that match the query, in the order
// of the log, whichever streams they are in. What it decides is appended on condition that no
// further event came that matches the same query; when one came, only what is new is read, and the
// command is decided again. Two decisions conflict when an event of one matches the query of the
// other, and only then. The store evaluates the condition in the write, out of its index. Rule A5.
//
// Events find into queries by their tags: those of their description (Description::tag), and those
// of ExecuteOptions. An event that matches no query is decided upon by nobody.
//
// Limits: the log has one partition, else cross_partition. A query has at most 14 items, else
// request_too_large (fail_if_exists counts). Every matching event is read and folded for each
// decision: a boundary with hundreds of thousands of them wants a narrower query.
//
// Errors besides those of EventStore: malformed or unsupported_version when an event does not
// decode; check_failed when all attempts met a conflict; outcome_unknown as in repository.h.
//
// Threads: any number may use one Decisions. decide and evolve run on the caller's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "skald/cqrs/decision_store.h"
#include "skald/cqrs/event_table.h"
#include "skald/cqrs/repository.h"

namespace skald::cqrs {

// Events of these types (none named: of any) that carry all of the tags. Former names are included.
template <Described... Es>
QueryItem tagged(std::vector<std::string> tags) {
    QueryItem item;
    item.tags = std::move(tags);
    [[maybe_unused]] const auto add = [&](const auto& description) {
        item.types.push_back(description.name());
        const auto& former = description.also_named();
        item.types.insert(item.types.end(), former.begin(), former.end());
    };
    (add(description_of<Es>()), ...);
    return item;
}

template <typename State>
struct Boundary {
    Query query;
    // That the events are appended to, behind whatever it holds. Command ids belong to it.
    std::string stream;
    State initial{};
};

template <typename State>
class Decisions {
  public:
    // `store` outlives it.
    explicit Decisions(EventStore& store, DecisionsOptions options = {})
        : core_(store, std::move(options)) {}

    Result<State> load(const Boundary<State>& boundary) {
        auto state = core_.load(boundary.query, box(boundary));
        return state ? Result<State>(std::move(detail::state_in<State>(**state))) : state.error();
    }

    // Reads, decides, appends. A repeat of an accepted command with the same id and stream gives
    // the first receipt, whatever its age: its events carry the tag `command:` with a hash of both.
    // `options.expected` is said of the stream, and holds for the append alone. With
    // `options.fail_if_exists` an event that is found when reading ends the command undecided.
    template <typename Command>
    Result<Outcome<State>> execute(const Boundary<State>& boundary, const Command& command,
                                   const ExecuteOptions& options = {}) {
        detail::CommandDecider<State, Command> decider(command);
        auto done = core_.execute(boundary.query, boundary.stream, box(boundary), decider, options);
        if (!done) {
            return done.error();
        }
        return detail::outcome_of(decider, std::move(done->receipt), done->exists, *done->state,
                                  done->attempts);
    }

    // Counts events_folded, conflicts and repeats; loads are reads from the beginning.
    RepositoryStats stats() const { return core_.stats(); }

  private:
    static std::unique_ptr<AnyState> box(const Boundary<State>& boundary) {
        auto box = std::make_unique<detail::StateBox<State>>();
        box->state = boundary.initial;
        return box;
    }

    DecisionStore core_;
};

}  // namespace skald::cqrs
