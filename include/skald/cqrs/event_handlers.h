// Handlers of events by type, for a projection: each decodes its event and changes what is given.
//
// Threads: build in one thread; apply() is const as far as the handlers are.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "skald/cqrs/event_table.h"
#include "skald/event_store.h"

namespace skald::cqrs {

// Two handlers of one type: the process aborts and names it.
void check_handler(bool added, std::string_view type);
// Selects these types, wherever they are; above 60 of them, all events.
Selection selection_of(const std::vector<std::string>& types);

template <typename Changed>
class EventHandlers {
  public:
    // fn(Changed&, const E&) or fn(Changed&, const E&, const EventView&).
    template <Described E, typename Fn>
    void on(Fn fn) {
        Handler handler = [fn = std::move(fn)](Changed& changed,
                                               const EventView& view) -> Result<void> {
            const auto& description = description_of<E>();
            auto ok = check_content_type(view, description.content_type());
            E event{};
            if (ok) {
                ok = description.decode(view.schema_version(), view.data, event);
            }
            if (!ok) {
                return ok;
            }
            if constexpr (std::is_invocable_v<const Fn&, Changed&, const E&, const EventView&>) {
                fn(changed, std::as_const(event), view);
            } else {
                fn(changed, std::as_const(event));
            }
            return {};
        };
        add(description_of<E>().name(), handler);
        for (const std::string& name : description_of<E>().also_named()) {
            add(name, handler);
        }
    }

    bool handle(std::string_view type) const { return handlers_.find(type) != handlers_.end(); }
    // Of a type that they handle.
    Result<void> apply(Changed& changed, const EventView& event) const {
        return handlers_.find(event.type)->second(changed, event);
    }
    Selection selection() const { return selection_of(types_); }

  private:
    using Handler = std::function<Result<void>(Changed&, const EventView&)>;
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view type) const {
            return std::hash<std::string_view>()(type);
        }
    };

    void add(const std::string& type, const Handler& handler) {
        check_handler(handlers_.emplace(type, handler).second, type);
        types_.push_back(type);
    }

    std::unordered_map<std::string, Handler, Hash, std::equal_to<>> handlers_;
    std::vector<std::string> types_;
};

}  // namespace skald::cqrs
