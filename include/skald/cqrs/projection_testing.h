// Given, then: tests of projections, from any test framework.
//
//     const auto verdict = project(orders(1))
//                              .given("order-1", Placed{"ann", 1200}, Paid{"invoice 1"})
//                              .then(Order{"order-1", "ann", 1200, "invoice 1"});
//
// Events go through a log in memory and the rows through a read model in a temporary directory, so
// that codecs, unique indexes and limits are those of production. What a verdict is: testing.h.
//
// Threads: one object, one thread.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/cqrs/projector.h"
#include "skald/cqrs/testing.h"

namespace skald::cqrs {

struct GivenEvent {
    std::string stream;
    NewEvent event;
};
// All rows as JSON, in the order of their keys; or why the projection stopped.
Result<std::vector<std::string>> project_all(const AnyProjection& projection,
                                             const std::vector<GivenEvent>& events);
// The verdict when the projection was to stop with a reason that holds this text.
Verdict compare_failure(const std::vector<Shown>& given, std::string_view reason,
                        const Result<std::vector<std::string>>& came);

class [[nodiscard]] Projected {
  public:
    explicit Projected(AnyProjection projection) : projection_(std::move(projection)) {}

    // Events of one stream, behind what was given before.
    template <Described... Es>
    Projected&& given(const std::string& stream, const Es&... events) && {
        (add(stream, events), ...);
        return std::move(*this);
    }

    // Exactly these rows, in the order of their keys.
    template <Described T, std::same_as<T>... Ts>
    Verdict then(const T& first, const Ts&... rest) const {
        return verdict<T>({show(first), show(rest)...});
    }
    Verdict then_nothing() const {
        const auto came = project_all(projection_, events_);
        std::vector<Shown> rows;
        for (std::size_t i = 0; came && i < came->size(); ++i) {
            rows.push_back({"a row", came->at(i), {}});
        }
        return judge(came, {}, std::move(rows));
    }
    // The projection stops at one of the events, and says why with this text in it.
    Verdict then_fails(std::string_view reason) const {
        return compare_failure(given_, reason, project_all(projection_, events_));
    }

  private:
    template <Described E>
    void add(const std::string& stream, const E& event) {
        given_.push_back(show(event));
        auto made = to_new_event(event);
        if (made) {
            events_.push_back({stream, std::move(*made)});
        } else {
            broken_ += made.error().message + "\n";
        }
    }
    template <Described T>
    Verdict verdict(std::vector<Shown> expected) const {
        const auto came = project_all(projection_, events_);
        std::vector<Shown> rows;
        for (std::size_t i = 0; came && i < came->size(); ++i) {
            auto row = RowsOf<T>::row(came->at(i));
            rows.push_back(row ? show(*row) : Shown{"a row", came->at(i), {}});
        }
        return judge(came, std::move(expected), std::move(rows));
    }
    Verdict judge(const Result<std::vector<std::string>>& came, std::vector<Shown> expected,
                  std::vector<Shown> rows) const {
        if (!broken_.empty() || !came) {
            return Verdict(broken_ + (came ? "" : came.error().message));
        }
        return compare(given_, {"projected", "", {}}, {false, std::move(expected)},
                       {false, std::move(rows)});
    }

    AnyProjection projection_;
    std::vector<Shown> given_;
    std::vector<GivenEvent> events_;
    std::string broken_;  // why the test cannot be carried out
};

inline Projected project(AnyProjection projection) {
    return Projected(std::move(projection));
}

}  // namespace skald::cqrs
