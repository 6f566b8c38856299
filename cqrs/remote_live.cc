#include "cqrs/remote_live.h"

#include <algorithm>
#include <utility>

#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

// Of what may be answered later, or by another.
bool passes(Errc code) {
    switch (code) {
        case Errc::not_ready:
        case Errc::busy:
        case Errc::shutting_down:
        case Errc::unreachable:
        case Errc::connection_lost:
        case Errc::timed_out:
        case Errc::outcome_unknown:
            return true;
        default:
            return false;
    }
}

// Of a position of another log, or one that the rows do not reach soon.
bool is_out_of_reach(Errc code) {
    return code == Errc::wrong_lineage || code == Errc::log_truncated ||
           code == Errc::store_failed || code == Errc::timed_out;
}

std::size_t bytes_held(const std::vector<LiveChange>& rows) {
    std::size_t bytes = 0;
    for (const LiveChange& each : rows) {
        bytes += each.key.size() + each.row.size();
    }
    return bytes;
}

}  // namespace

RemoteLive::RemoteLive(std::unique_ptr<LiveLink> link, OpenLive message, LiveOpened opened)
    : link_(std::move(link)), message_(std::move(message)), service_(std::move(opened.service)) {}

RemoteLive::~RemoteLive() {
    if (service_) {
        link_->close(*service_);
    }
}

LiveNext RemoteLive::next(std::chrono::milliseconds wait) {
    if (auto before = told()) {
        return std::move(*before);
    }
    if (link_->now() < pause_until_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(pause_until_ - link_->now());
        link_->pause(std::min(left, wait));
        if (link_->now() < pause_until_) {
            return {};
        }
    }
    LiveNext next = service_ ? poll(wait) : open();
    if (!std::holds_alternative<std::monostate>(next)) {
        return next;
    }
    auto after = told();
    return after ? std::move(*after) : LiveNext();
}

LiveNext RemoteLive::open() {
    if (position_) {
        message_.query.at_least = to_token(*position_);
        message_.query.wait_ms = static_cast<std::uint64_t>(limits::kLiveAnewWait.count());
    }
    auto opened = link_->open(message_);
    if (!opened && position_ && is_out_of_reach(opened.error().code)) {
        position_.reset();
        message_.query.at_least.clear();
        opened = link_->open(message_);
    }
    if (!opened) {
        return failed(opened.error());
    }
    service_ = std::move(opened->service);
    received_ = 0;
    return {};
}

LiveNext RemoteLive::poll(std::chrono::milliseconds wait) {
    const bool late = link_->now() - answered_ >= limits::kLiveUnpolledMax;
    const auto most = std::clamp(wait, std::chrono::milliseconds(0), limits::kLivePoll);
    auto answer =
        link_->poll(*service_, PollLive{received_, static_cast<std::uint64_t>(most.count())});
    if (answer) {
        return accept(std::move(*answer));
    }
    return answer.error().code == Errc::not_ready ? lost(answer.error(), late)
                                                  : failed(answer.error());
}

LiveNext RemoteLive::accept(LiveAnswer answer) {
    if (answer.number != received_ + (answer.parts.empty() ? 0 : 1)) {
        return Error(Errc::malformed, "a live query's answer is not the one that was asked for");
    }
    attempts_ = 0;
    answered_ = link_->now();
    received_ = answer.number;
    for (const LivePart& part : answer.parts) {
        held_ += bytes_held(part.rows);
    }
    parts_.insert(parts_.end(), std::make_move_iterator(answer.parts.begin()),
                  std::make_move_iterator(answer.parts.end()));
    return {};
}

LiveNext RemoteLive::failed(const Error& error) {
    if (!passes(error.code) || ++attempts_ >= limits::kLiveAttemptsMax) {
        return error;
    }
    const auto pause = limits::kLivePauseMin * (1U << std::min(attempts_ - 1, 16U));
    pause_until_ = link_->now() + std::min<Monotonic>(pause, limits::kLivePauseMax);
    return {};
}

// Who did not ask for long enough has only itself to blame.
LiveNext RemoteLive::lost(const Error& error, bool late) {
    LiveNext next = failed(error);
    service_.reset();
    take_rows();
    if (std::holds_alternative<Error>(next) || !std::exchange(follows_, false)) {
        return next;
    }
    return late ? Resync::fell_behind : Resync::connection_lost;
}

std::vector<LiveChange> RemoteLive::take_rows() {
    held_ -= bytes_held(rows_);
    return std::exchange(rows_, {});
}

std::optional<LiveNext> RemoteLive::told() {
    while (!parts_.empty()) {
        LivePart part = std::move(parts_.front());
        parts_.pop_front();
        if (auto next = tell(std::move(part))) {
            return next;
        }
    }
    return std::nullopt;
}

std::optional<LiveNext> RemoteLive::tell(LivePart part) {
    switch (part.kind) {
        case LiveKind::snapshot:
        case LiveKind::deltas:
            return tell_rows(part);
        case LiveKind::resync: {
            take_rows();
            follows_ = false;
            auto why = resync_of(part);
            return why ? LiveNext(*why) : LiveNext(why.error());
        }
        case LiveKind::ended:
            return Error(static_cast<Errc>(part.error), std::move(part.message));
    }
    return std::nullopt;
}

std::optional<LiveNext> RemoteLive::tell_rows(LivePart& part) {
    rows_.insert(rows_.end(), std::make_move_iterator(part.rows.begin()),
                 std::make_move_iterator(part.rows.end()));
    if (rows_.size() > limits::kLiveRowsMax) {
        return Error(Errc::malformed, "a live query told more rows than there may be");
    }
    if (part.more) {
        return std::nullopt;
    }
    auto position = parse_position(part.position);
    if (!position) {
        return position.error();
    }
    position_ = *position;
    std::vector<LiveChange> rows = take_rows();
    if (part.kind == LiveKind::snapshot) {
        follows_ = true;
        LiveSnapshot<std::string> snapshot{{}, std::move(*position), part.version};
        snapshot.rows.reserve(rows.size());
        for (LiveChange& each : rows) {
            snapshot.rows.push_back({std::move(each.key), std::move(each.row)});
        }
        return snapshot;
    }
    LiveDeltas<std::string> deltas{{}, std::move(*position), part.version};
    deltas.deltas.reserve(rows.size());
    for (LiveChange& each : rows) {
        deltas.deltas.push_back({each.op, std::move(each.key), std::move(each.row)});
    }
    return deltas;
}

}  // namespace skald::cqrs
