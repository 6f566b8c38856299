// Which errors mean that whoever was asked could not be reached, or could not answer now.
#pragma once

#include "skald/error.h"

namespace skald {

inline bool out_of_reach(const Error& error) {
    const ErrorClass kind = class_of(error.code);
    return kind == ErrorClass::network || kind == ErrorClass::unavailable ||
           kind == ErrorClass::timeout;
}

}  // namespace skald
