// What the killed projector projects: for each stream the sum and count of its numbers. A number
// that divides by 997 throws, and its stream is parked from there on.
#pragma once

#include <cstdint>
#include <string>

#include "skald/cqrs/projection.h"

namespace skald::crash {

struct Added {
    std::int64_t number = 0;
    static auto describe() {
        return cqrs::event<Added>("Added", 1).required("number", &Added::number);
    }
};

struct Sum {
    std::string stream;
    std::int64_t sum = 0;
    std::uint64_t count = 0;
    bool operator==(const Sum&) const = default;
    static auto describe() {
        return cqrs::record<Sum>("Sum")
            .field("stream", &Sum::stream)
            .field("sum", &Sum::sum)
            .field("count", &Sum::count);
    }
};

inline bool is_poison(std::int64_t number) {
    return number % 997 == 0;
}

// `committed` is called for each number after its commit.
inline cqrs::AnyProjection sums(const std::function<void()>& committed) {
    cqrs::Projection<Sum> projection(
        "sums", 1, cqrs::rows<Sum>().key(&Sum::stream).index(&Sum::sum).index(&Sum::count));
    projection.on<Added>(
        [committed](cqrs::Rows<Sum>& rows, const Added& added, const EventView& at) {
            rows.change_or({std::string(at.stream), 0, 0}, [&](Sum& sum) {
                sum.sum += added.number;
                ++sum.count;
            });
            if (is_poison(added.number)) {
                throw std::runtime_error("poison");
            }
            rows.effect(committed);
        });
    return projection.build();
}

}  // namespace skald::crash
