#include "skald/sql/projector.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "sql/file_target.h"
#include "sql/limits.h"

namespace skald::sql {
namespace {

bool is_name(const std::string& name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !name.empty() && name.size() <= limits::kNameBytesMax && letter(name[0]) &&
           !name.starts_with("skald_") && std::all_of(name.begin(), name.end(), [&](char c) {
               return letter(c) || c == '_' || (c >= '0' && c <= '9');
           });
}

Result<void> check(const AnyProjection& projection) {
    SKALD_CHECK(projection.handles && projection.apply, "a projection handles events");
    if (!is_name(projection.name)) {
        return Error(Errc::invalid_argument,
                     fmt::format("a projection's name has letters, digits and _, a letter first, "
                                 "at most {} of them; not {}",
                                 limits::kNameBytesMax, projection.name));
    }
    if (projection.version == 0) {
        return Error(Errc::invalid_argument, "versions of a projection count from 1");
    }
    if (projection.tables.empty() || projection.tables.size() > limits::kTablesMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("a projection has 1 to {} tables", limits::kTablesMax));
    }
    for (const Table& table : projection.tables) {
        if (!is_name(table.name) || table.definition.size() > limits::kDefinitionBytesMax) {
            return Error(Errc::invalid_argument,
                         fmt::format("table {} of projection {}: letters, digits and _ make a name "
                                     "of at most {}, and a definition has at most {} bytes",
                                     table.name, projection.name, limits::kNameBytesMax,
                                     limits::kDefinitionBytesMax));
        }
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<cqrs::Projector>> start_projector(EventStore& store, const std::string& file,
                                                         AnyProjection projection,
                                                         cqrs::ProjectorOptions options,
                                                         const FileOptions& file_options) {
    if (auto ok = check(projection); !ok) {
        return ok.error();
    }
    auto head = store.position();
    if (!head) {
        return head.error();
    }
    auto target = FileTarget::open(file, std::move(projection), *head, file_options);
    if (!target) {
        return target.error();
    }
    return cqrs::Projector::over(store, std::move(*target), std::move(options));
}

Result<Checkpoint> checkpoint(SQLite::Database& database, const std::string& projection) {
    return attempt([&]() -> Result<Checkpoint> {
        const auto missing =
            Error(Errc::not_found, fmt::format("the file holds no projection {}", projection));
        Catalogue catalogue(database, projection);
        if (!catalogue.exists("skald_projections")) {
            return missing;
        }
        auto found = catalogue.find();
        if (!found || !*found) {
            return !found ? found.error() : missing;
        }
        return Checkpoint{(*found)->version, (*found)->complete, std::move((*found)->position),
                          (*found)->events};
    });
}

}  // namespace skald::sql
