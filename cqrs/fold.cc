#include "skald/cqrs/fold.h"

#include <fmt/format.h>

#include "cqrs/handling.h"
#include "cqrs/limits.h"
#include "cqrs/memory_rows.h"
#include "cqrs/position_order.h"
#include "cqrs/row_scan.h"

namespace skald::cqrs {
namespace {

Error beyond(std::string_view what, std::uint64_t limit) {
    return {Errc::request_too_large,
            fmt::format("the fold is of more than {} {}; narrow its selection, raise its limit, or "
                        "let a projector keep the rows",
                        limit, what)};
}

Result<Position> checked(EventStore& store, const Position& position) {
    auto ok = check_position(store, position);
    return ok ? Result<Position>(position) : ok.error();
}

// Where the fold ends, found out on the way when it is a version or a time.
class Bound {
  public:
    Bound(const Selection& selection, const FoldRequest& request)
        : one_stream_(selection.kind == Selection::Kind::stream),
          name_(selection.name),
          version_(std::get_if<Version>(&request.until)),
          time_(std::get_if<AtTime>(&request.until)),
          position_(std::get_if<Position>(&request.until)) {}

    Result<void> begin(EventStore& store) {
        if (version_ != nullptr && !one_stream_) {
            return Error(Errc::invalid_argument, "a fold up to a version is of one stream");
        }
        auto end = position_ != nullptr ? checked(store, *position_) : store.position();
        if (!end) {
            return end.error();
        }
        end_ = std::move(*end);
        return {};
    }

    bool takes(const EventView& event) {
        if (over_ || !is_past(end_, event.partition, event.offset)) {
            return false;
        }
        if (time_ != nullptr && event.recorded_at > time_->time) {
            cut(event.partition, event.offset);
            over_ = one_stream_ || end_.partitions.size() <= 1;
            return false;
        }
        if (version_ != nullptr && event.version >= *version_) {
            found_ = event.version == *version_;
            over_ = true;
            cut(event.partition, found_ ? event.offset + 1 : event.offset);
            return found_;
        }
        return true;
    }
    bool over(const Page& page) const { return over_ || page.end || covers(page.next, end_); }

    Result<Position> position() {
        if (version_ != nullptr && !found_) {
            return Error(Errc::not_found,
                         fmt::format("stream {} has no version {}", name_, version_->value));
        }
        return std::move(end_);
    }

  private:
    void cut(Partition partition, Offset offset) {
        for (PartitionPosition& each : end_.partitions) {
            if (each.partition == partition && offset < each.next) {
                each.next = offset;
                each.digest = 0;
            }
        }
    }

    const bool one_stream_;
    const std::string& name_;
    const Version* const version_;
    const AtTime* const time_;
    const Position* const position_;
    Position end_;
    bool found_ = false;
    bool over_ = false;
};

}  // namespace

Result<Position> fold_events(EventStore& store, const Selection& selection,
                             const FoldRequest& request,
                             const std::function<Result<void>(const EventView&)>& apply) {
    Bound bound(selection, request);
    if (auto ok = bound.begin(store); !ok) {
        return ok.error();
    }
    std::uint64_t events = 0;
    Read read;
    read.selection = selection;
    read.limit = limits::kLoadPageEvents;
    while (true) {
        auto page = store.read(read);
        if (!page) {
            return page.error();
        }
        for (const EventView& event : page->events) {
            if (!bound.takes(event)) {
                continue;
            }
            if (++events > request.events_max) {
                return beyond("events", request.events_max);
            }
            if (auto ok = apply(event); !ok) {
                return ok.error();
            }
        }
        if (bound.over(*page)) {
            return bound.position();
        }
        read.start = std::move(page->next);
    }
}

Result<std::unique_ptr<FoldedRows>> fold(EventStore& store, const AnyProjection& projection,
                                         const FoldRequest& request) {
    check_schema(projection.name, projection.rows);
    auto rows = std::make_unique<MemoryRows>(projection.rows, projection.version);
    std::uint64_t events = 0;
    const Selection& selection = request.selection ? *request.selection : projection.selection;
    auto position =
        fold_events(store, selection, request, [&](const EventView& event) -> Result<void> {
            if (!projection.handles(event.type)) {
                return {};
            }
            ++events;
            auto ok = guarded([&] { return projection.apply(*rows, event); });
            if (!ok) {
                return at_event(event, ok.error());
            }
            return rows->bytes() > request.bytes_max ? beyond("bytes", request.bytes_max)
                                                     : Result<void>();
        });
    if (!position) {
        return position.error();
    }
    return std::make_unique<FoldedRows>(std::move(rows), std::move(*position), events);
}

FoldedRows::FoldedRows(std::unique_ptr<const MemoryRows> rows, Position position,
                       std::uint64_t events)
    : rows_(std::move(rows)),
      position_(std::make_shared<const Position>(std::move(position))),
      events_(events) {}
FoldedRows::~FoldedRows() = default;

Result<RowPage> FoldedRows::query(const RowQuery& query) const {
    if (query.at_least && !same_lineage(*position_, *query.at_least)) {
        return Error(Errc::wrong_lineage, "the position is of another log, or of a later lineage");
    }
    if (query.at_least && !covers(*position_, *query.at_least)) {
        return Error(Errc::timed_out, "the rows were folded before that position; fold again");
    }
    if (query.version != 0 && query.version != rows_->version()) {
        return Error(Errc::not_found, fmt::format("the rows are folded by version {}, not {}",
                                                  rows_->version(), query.version));
    }
    auto page = scan(*rows_, query);
    if (page) {
        page->position = position_;
    }
    return page;
}

Result<std::optional<std::string>> FoldedRows::get(const KeyValue& key) const {
    auto bytes = plan_get(rows_->schema(), key);
    if (!bytes) {
        return bytes.error();
    }
    const auto row = rows_->find(*bytes);
    return row ? std::optional(std::string(*row)) : std::optional<std::string>();
}

Result<StreamState> fold_stream(EventStore& store, const AnyProjection& projection,
                                const StreamAt& what) {
    StreamState state;
    AnyProjection noting = projection;
    noting.apply = [&](RowChanges& rows, const EventView& event) {
        state.version = event.version;
        return projection.apply(rows, event);
    };
    FoldRequest request;
    request.selection = Selection::stream(what.stream);
    if (what.at) {
        request.until = *what.at;
    } else if (what.until) {
        request.until = AtTime{*what.until};
    }
    auto folded = fold(store, noting, request);
    auto page = folded ? (*folded)->query({.limit = limits::kQueryRowsMax}) : folded.error();
    if (!page) {
        return page.error();
    }
    state.rows = std::move(page->rows);
    state.events = (*folded)->events();
    return state;
}

}  // namespace skald::cqrs
