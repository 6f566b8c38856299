// The events of an aggregate on their way into the log and out of it: by type name, in any version.
// What is here serves the repository; applications use it to write such events themselves.
//
// Threads: any.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "skald/cqrs/decider.h"
#include "skald/cqrs/describe.h"
#include "skald/event.h"
#include "skald/result.h"

namespace skald::cqrs {

// type, data, schema version, content type and tags of the event; the rest is the caller's. Errors:
// invalid_event when a value cannot be written.
template <Described E>
Result<NewEvent> to_new_event(const E& event) {
    const Description<E>& description = description_of<E>();
    auto data = description.encode(event);
    if (!data) {
        return data.error();
    }
    NewEvent made;
    made.type = description.name();
    made.data = std::move(*data);
    made.schema_version = description.version();
    made.tags = description.tags(event);
    if (description.content_type() != kContentTypeJson) {
        made.content_type = description.content_type();
    }
    return made;
}
template <typename... Es>
Result<NewEvent> to_new_event(const std::variant<Es...>& event) {
    return std::visit([](const auto& one) { return to_new_event(one); }, event);
}

// malformed when the content type is another than `wanted`.
Result<void> check_content_type(const EventView& event, std::string_view wanted);
// The error with stream, version, type and schema version of the event in front.
Error placed(const EventView& event, const Error& error);
// An event of a type that a state does not know.
Error unknown_type(const EventView& event, std::string_view state_events);

// Into a fresh object. malformed or unsupported_version; the message names stream, version, type,
// schema version, field, and what was expected. The content type must be the newest version's,
// unless an upcast takes the data: it knows what that was.
template <Described E>
Result<void> from_event(const EventView& event, E& into) {
    const Description<E>& description = description_of<E>();
    auto ok = description.upcasts_from(event.schema_version())
                  ? Result<void>()
                  : check_content_type(event, description.content_type());
    if (ok) {
        ok = description.decode(event.schema_version(), event.data, into);
    }
    return ok ? std::move(ok) : Result<void>(placed(event, ok.error()));
}

// Two events of one list with one name: the process aborts and names it.
void check_event_name(bool added, std::string_view name);

template <typename State>
class EventTable {
  public:
    using Fold = Result<void> (*)(State&, const EventView&);

    static const EventTable& instance() {
        static const EventTable table(typename State::Events{});
        return table;
    }

    // Null for a type that is none of the state's events.
    Fold find(std::string_view type) const {
        const auto found = folds_.find(type);
        return found == folds_.end() ? nullptr : found->second;
    }
    // All names, with commas.
    const std::string& names() const { return names_; }

  private:
    template <typename... Es>
    explicit EventTable(EventList<Es...>) {
        (add<Es>(), ...);
    }

    template <typename E>
    void add() {
        static_assert(Described<E>, "an event needs describe(), or a specialisation of Describe");
        const Fold fold = [](State& state, const EventView& view) -> Result<void> {
            E event{};
            auto ok = from_event(view, event);
            if (ok) {
                cqrs::evolve(state, std::as_const(event));
            }
            return ok;
        };
        add(description_of<E>().name(), fold);
        for (const std::string& name : description_of<E>().also_named()) {
            add(name, fold);
        }
    }
    void add(const std::string& name, Fold fold) {
        check_event_name(folds_.emplace(name, fold).second, name);
        names_ += names_.empty() ? name : ", " + name;
    }

    std::unordered_map<std::string_view, Fold> folds_;  // names live in the descriptions
    std::string names_;
};

}  // namespace skald::cqrs
