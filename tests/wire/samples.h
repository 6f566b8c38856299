// Values at random, of what all messages are made of.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <vector>

namespace skald::wire {

template <typename T>
T any() {
    return *rc::gen::arbitrary<T>();
}

inline std::string any_text(std::size_t bytes_max = 20) {
    auto text = any<std::string>();
    return text.substr(0, bytes_max);
}

template <typename Make>
auto any_list(Make make) {
    std::vector<decltype(make())> list(*rc::gen::inRange<std::size_t>(0, 5));
    for (auto& entry : list) {
        entry = make();
    }
    return list;
}

}  // namespace skald::wire
