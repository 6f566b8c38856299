#include "cqrs/row_scan.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "cqrs/limits.h"
#include "cqrs/stored_row.h"

namespace skald::cqrs {
namespace {

using store::lmdb::Cursor;

constexpr std::size_t kHeadBytes = 4 + 1 + 1;  // of a cursor: version, index + 1, direction

Error invalid_cursor(std::string_view why) {
    return {Errc::invalid_argument, fmt::format("after: {}", why)};
}

int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

class Scan {
  public:
    Scan(const ModelCore::View& view, const RowQuery& query, ScanPlan plan)
        : view_(view), query_(query), plan_(std::move(plan)) {}

    // Until visit(place, key of the row, row) says false; true when there was no more.
    template <typename Visit>
    Result<bool> walk(const std::optional<ScanPlace>& after, const Visit& visit) const {
        auto cursor = Cursor::open(view_.txn, database());
        if (!cursor) {
            return cursor.error();
        }
        auto found = query_.descending ? begin_high(*cursor, after) : begin_low(*cursor, after);
        for (; found && *found && plan_.holds(as_text((*found)->key));
             found = query_.descending ? cursor->previous() : cursor->next()) {
            auto row = row_of(**found);
            if (!row) {
                return row.error();
            }
            if (!visit(as_text((*found)->key), key_of(**found), *row)) {
                return false;
            }
        }
        return found ? Result<bool>(true) : found.error();
    }

    Result<RowPage> page(const std::optional<ScanPlace>& after) const {
        RowPage page;
        page.version = view_.version->number;
        std::size_t bytes = 0;
        std::string last;
        auto whole = walk(after, [&](auto place, auto, std::string_view row) {
            if (page.rows.size() == query_.limit || bytes >= limits::kQueryBytesMax) {
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
    const ModelTables& tables() const { return view_.version->tables; }
    std::size_t index() const { return static_cast<std::size_t>(plan_.index); }
    store::lmdb::Database database() const {
        return plan_.index < 0 ? tables().rows : tables().indexes[index()];
    }
    std::string_view key_of(const Cursor::Entry& entry) const {
        return plan_.index < 0 ? as_text(entry.key)
                               : row_key_of(tables().schema.indexes[index()], entry);
    }

    Cursor::Found begin_low(Cursor& cursor, const std::optional<ScanPlace>& after) const {
        if (after) {
            auto found = cursor.at_or_after(as_bytes(after->key));
            const bool same = found && *found && as_text((*found)->key) == after->key;
            return same ? cursor.next() : std::move(found);
        }
        return plan_.lower.empty() ? cursor.first() : cursor.at_or_after(as_bytes(plan_.lower));
    }
    Cursor::Found begin_high(Cursor& cursor, const std::optional<ScanPlace>& after) const {
        if (!after && !plan_.upper) {
            return cursor.last();
        }
        auto found = cursor.at_or_after(as_bytes(after ? after->key : *plan_.upper));
        if (!found) {
            return found;
        }
        return *found ? cursor.previous() : cursor.last();
    }

    Result<std::string_view> row_of(const Cursor::Entry& entry) const {
        if (plan_.index < 0) {
            return StoredRow(as_text(entry.value)).json(tables().indexes.size());
        }
        auto row = view_.txn.get(tables().rows, as_bytes(key_of(entry)));
        if (!row) {
            return row.error();
        }
        if (!*row) {
            return Error(Errc::corrupt,
                         "an index names a row that is not there; rebuild the model");
        }
        return StoredRow(as_text(**row)).json(tables().indexes.size());
    }

    const ModelCore::View& view_;
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

Result<RowPage> scan(const ModelCore::View& view, const RowQuery& query,
                     const std::optional<ScanPlace>& after) {
    if (query.limit == 0 || query.limit > limits::kQueryRowsMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("limit {}: 1 to {}", query.limit, limits::kQueryRowsMax));
    }
    auto plan = plan_scan(view.version->tables.schema, query);
    if (!plan) {
        return plan.error();
    }
    const bool same = !after || (after->index == plan->index &&
                                 after->descending == query.descending && plan->holds(after->key));
    return same ? Scan(view, query, std::move(*plan)).page(after)
                : invalid_cursor("the cursor is of another query");
}

Result<std::vector<LiveRow<std::string>>> scan_all(const ModelCore::View& view,
                                                   const RowQuery& query) {
    const RowSchema& schema = view.version->tables.schema;
    auto plan = plan_scan(schema, query);
    if (!plan) {
        return plan.error();
    }
    std::vector<LiveRow<std::string>> rows;
    std::size_t bytes = 0;
    auto whole =
        Scan(view, query, std::move(*plan)).walk({}, [&](auto, auto key, std::string_view row) {
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
