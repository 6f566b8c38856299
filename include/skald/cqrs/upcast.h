// Old versions of an event turned into newer ones, step by step, when they are read. What is stored
// never changes.
//
// Threads: built with its description, then read by any.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "skald/result.h"

namespace skald::cqrs {

// Data of one version into data of the next.
using Upcast = std::function<Result<std::string>(std::string_view data)>;

class Upcasts {
  public:
    // `type` and its newest version are for the check that `from` is below it, and new here.
    void add(std::string_view type, std::uint32_t from, std::uint32_t newest, Upcast upcast);
    // Whether data of this version is changed before it is read.
    bool any_from(std::uint32_t version) const;
    // The data as of version `to`: `data` itself, or what is in `scratch` then. unsupported_version
    // when `from` is above `to`, else the error of the step that failed.
    Result<std::string_view> apply(std::uint32_t from, std::uint32_t to, std::string_view data,
                                   std::string& scratch) const;

  private:
    std::map<std::uint32_t, Upcast> steps_;  // by the version they start from
};

template <typename T>
class Description;
template <typename T>
struct Describe;

// What a callable of one argument takes.
template <typename Fn>
struct ArgumentOf : ArgumentOf<decltype(&Fn::operator())> {};
template <typename R, typename A>
struct ArgumentOf<R (*)(A)> {
    using Type = std::remove_cvref_t<A>;
};
template <typename C, typename R, typename A>
struct ArgumentOf<R (C::*)(A) const> {
    using Type = std::remove_cvref_t<A>;
};

// Faults of an upcast from version `from`: the process aborts and says which.
void check_upcast_takes(std::uint32_t from, std::string_view type, std::uint32_t version);
void check_upcast_gives(std::uint32_t from, std::string_view type, std::uint32_t version);

// The newest type is still being described while its upcasts are added: its description must not be
// asked for before the first event is read.
template <std::uint32_t From, typename Fn>
Upcast upcast_of(Fn fn) {
    using Old = typename ArgumentOf<Fn>::Type;
    if constexpr (std::is_same_v<Old, std::string_view>) {
        return
            [fn = std::move(fn)](std::string_view data) -> Result<std::string> { return fn(data); };
    } else {
        return [fn = std::move(fn)](std::string_view data) -> Result<std::string> {
            static const Description<Old> old = [] {
                auto described = Describe<Old>::describe();
                check_upcast_takes(From, described.name(), described.version());
                return described;
            }();
            Old before{};
            if (auto ok = old.decode(old.version(), data, before); !ok) {
                return ok.error();
            }
            auto after = fn(std::as_const(before));
            static const auto next = [] {
                auto described = Describe<decltype(after)>::describe();
                check_upcast_gives(From, described.name(), described.version());
                return described;
            }();
            return next.encode(after);
        };
    }
}

}  // namespace skald::cqrs
