#include "cqrs/row_scan.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "cqrs/limits.h"
#include "cqrs/stored_row.h"

namespace skald::cqrs {
namespace {

constexpr std::size_t kHeadBytes = 4 + 1 + 1;  // of a cursor: version, index + 1, direction

Error invalid_cursor(std::string_view why) {
    return {Errc::invalid_argument, fmt::format("after: {}", why)};
}

int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

class Scan {
  public:
    Scan(const RowTrees& trees, const RowQuery& query, ScanPlan plan)
        : trees_(trees), query_(query), plan_(std::move(plan)) {}

    // Until visit(place, key of the row, row) says false; true when there was no more.
    template <typename Visit>
    Result<bool> walk(const std::optional<ScanPlace>& after, const Visit& visit) const {
        auto walk = trees_.walk(plan_.index);
        if (!walk) {
            return walk.error();
        }
        auto found = query_.descending ? begin_high(**walk, after) : begin_low(**walk, after);
        for (; found && *found && plan_.holds(**found);
             found = query_.descending ? (*walk)->previous() : (*walk)->next()) {
            auto row = (*walk)->row();
            if (!row) {
                return row.error();
            }
            if (!visit(**found, (*walk)->key(), *row)) {
                return false;
            }
        }
        return found ? Result<bool>(true) : found.error();
    }

    Result<RowPage> page(const std::optional<ScanPlace>& after) const {
        RowPage page;
        page.version = trees_.version();
        std::size_t bytes = 0;
        std::string last;
        auto whole = walk(after, [&](std::string_view place, auto, std::string_view row) {
            if (page.rows.size() == query_.limit ||
                (!page.rows.empty() && bytes + row.size() > query_.bytes)) {
                return false;
            }
            page.rows.emplace_back(row);
            bytes += row.size();
            last = place;
            return true;
        });
        if (whole && !*whole) {
            page.next = to_cursor({page.version, plan_.index, query_.descending, last});
        }
        return whole ? Result<RowPage>(std::move(page)) : whole.error();
    }

  private:
    RowWalk::Found begin_low(RowWalk& walk, const std::optional<ScanPlace>& after) const {
        if (after) {
            auto found = walk.at_or_after(after->key);
            const bool same = found && *found && **found == after->key;
            return same ? walk.next() : std::move(found);
        }
        return plan_.lower.empty() ? walk.first() : walk.at_or_after(plan_.lower);
    }
    RowWalk::Found begin_high(RowWalk& walk, const std::optional<ScanPlace>& after) const {
        if (!after && !plan_.upper) {
            return walk.last();
        }
        auto found = walk.at_or_after(after ? after->key : *plan_.upper);
        if (!found) {
            return found;
        }
        return *found ? walk.previous() : walk.last();
    }

    const RowTrees& trees_;
    const RowQuery& query_;
    const ScanPlan plan_;
};

}  // namespace

std::string to_cursor(const ScanPlace& place) {
    std::string bytes;
    append_as(bytes, place.version);
    bytes += static_cast<char>(place.index + 1);
    bytes += place.descending ? '\1' : '\0';
    bytes += place.key;
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += kDigits[static_cast<unsigned char>(byte) >> 4];
        text += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

Result<ScanPlace> parse_cursor(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const int high = digit_of(text[i]);
        const int low = digit_of(text[i + 1]);
        if (high < 0 || low < 0) {
            return invalid_cursor("not a cursor");
        }
        bytes += static_cast<char>(high * 16 + low);
    }
    if (text.size() % 2 != 0 || bytes.size() <= kHeadBytes) {
        return invalid_cursor("not a cursor");
    }
    return ScanPlace{load_le<std::uint32_t>(bytes.data()), bytes[4] - 1, bytes[5] != 0,
                     bytes.substr(kHeadBytes)};
}

Result<std::optional<ScanPlace>> place_of(const RowQuery& query) {
    if (query.after.empty()) {
        return std::optional<ScanPlace>();
    }
    auto place = parse_cursor(query.after);
    return place ? Result<std::optional<ScanPlace>>(std::move(*place)) : place.error();
}

Result<RowPage> scan(const RowTrees& trees, const RowQuery& query) {
    if (query.limit == 0 || query.limit > limits::kQueryRowsMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("limit {}: 1 to {}", query.limit, limits::kQueryRowsMax));
    }
    auto plan = plan_scan(trees.schema(), query);
    auto after = place_of(query);
    if (!plan || !after) {
        return !plan ? plan.error() : after.error();
    }
    const std::optional<ScanPlace>& place = *after;
    const bool same = !place || (place->version == trees.version() && place->index == plan->index &&
                                 place->descending == query.descending && plan->holds(place->key));
    return same ? Scan(trees, query, std::move(*plan)).page(place)
                : invalid_cursor("the cursor is of another query");
}

Result<std::vector<LiveRow<std::string>>> scan_all(const RowTrees& trees, const RowQuery& query) {
    const RowSchema& schema = trees.schema();
    auto plan = plan_scan(schema, query);
    if (!plan) {
        return plan.error();
    }
    std::vector<LiveRow<std::string>> rows;
    std::size_t bytes = 0;
    auto whole =
        Scan(trees, query, std::move(*plan)).walk({}, [&](auto, auto key, std::string_view row) {
            bytes += row.size();
            if (rows.size() == limits::kLiveRowsMax || bytes > limits::kLiveSnapshotBytesMax) {
                return false;
            }
            rows.push_back({key_json(schema.key, key), std::string(row)});
            return true;
        });
    if (!whole) {
        return whole.error();
    }
    return *whole ? Result<std::vector<LiveRow<std::string>>>(std::move(rows))
                  : Error(Errc::request_too_large,
                          fmt::format("a live query begins with at most {} rows and {} MiB; ask "
                                      "for a narrower range",
                                      limits::kLiveRowsMax,
                                      limits::kLiveSnapshotBytesMax / skald::limits::kMiB));
}

}  // namespace skald::cqrs
