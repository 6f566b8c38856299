// A projection declared in TOML, for who writes no C++:
//
//     name = "work"
//     key = "resource"
//
//     [from]
//     category = "permit"
//
//     [columns]
//     resource = "text"
//     events = "integer"
//     last = "time"
//
//     [[index]]
//     columns = "events"
//
//     [[on]]
//     type = "*"
//     key = "data.org_resource"
//     add = { events = 1 }
//     set = { last = "time" }
//
// docs/declared_projections.md says what may stand where. Its rules are pure: the same events give
// the same rows, byte for byte. Run it with a Projector.
//
// Threads: parse in any; what is parsed is for one projector.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "skald/cqrs/projector.h"
#include "skald/result.h"

namespace skald::cqrs {

inline constexpr std::size_t kDeclarationBytesMax = 1 << 20;

struct Declaration {
    AnyProjection projection;  // its version is 1 when the file names none
    bool version_given = false;
    Poison poison;
};

// `file` is its name in messages. invalid_argument with line, column, what was expected and what
// was found. Limits: 1 MiB, 64 columns, 16 indexes, 256 rules.
Result<Declaration> parse_declaration(const std::string& file, std::string_view text);

}  // namespace skald::cqrs
