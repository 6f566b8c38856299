#include "cqrs/live_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "cqrs/limits.h"

namespace skald::cqrs {
namespace {

// Of a part besides its position and rows.
constexpr std::size_t kPartBytes = 128;

Error too_large(const LiveChange& change) {
    return {Errc::handler_failed, fmt::format("the row {} is too large for a reply", change.key)};
}

LiveOp op_of(const LiveRow<std::string>& /*row*/) {
    return LiveOp::put;
}
LiveOp op_of(const LiveDelta<std::string>& delta) {
    return delta.op;
}

}  // namespace

Result<LiveAnswer> LiveSession::poll(const PollLive& poll) {
    const std::scoped_lock lock(polling_);
    if (!last_.parts.empty() && poll.received + 1 == last_.number) {
        return last_;
    }
    if (poll.received != last_.number) {
        return Error(Errc::invalid_argument, fmt::format("received {}: the last answer was {}",
                                                         poll.received, last_.number));
    }
    last_.parts.clear();
    const auto most = static_cast<std::uint64_t>(limits::kLivePollMax.count());
    fill(std::chrono::milliseconds(std::min(poll.wait_ms, most)));
    if (!last_.parts.empty()) {
        ++last_.number;
    }
    return last_;
}

void LiveSession::fill(std::chrono::milliseconds wait) {
    std::size_t bytes = 0;
    while (!end_) {
        if (!rest_) {
            rest_ = next(last_.parts.empty() ? wait : std::chrono::milliseconds(0));
        }
        if (rest_ ? !put_rest(bytes) : !end_) {
            return;
        }
    }
    last_.parts.push_back(*end_);
}

// False when the answer is full.
bool LiveSession::put_rest(std::size_t& bytes) {
    LivePart part = rest_->head;
    bytes += kPartBytes + part.position.size();
    for (; rest_->next < rest_->rows.size(); ++rest_->next) {
        LiveChange& change = rest_->rows[rest_->next];
        const std::size_t size = bytes_of(change);
        if (size > limits::kLiveRowBytesMax) {
            end_ = ended(too_large(change));
            rest_.reset();
            return true;
        }
        if (bytes + size > limits::kLiveAnswerBytesMax &&
            !(part.rows.empty() && last_.parts.empty())) {
            part.more = true;
            break;
        }
        bytes += size;
        part.rows.push_back(std::move(change));
    }
    const bool full = part.more;
    if (!full) {
        rest_.reset();
    }
    if (!full || !part.rows.empty()) {
        last_.parts.push_back(std::move(part));
    }
    return !full && bytes < limits::kLiveAnswerBytesMax;
}

template <typename Told, typename Rows>
LiveSession::Rest LiveSession::rest_of(LiveKind kind, const Told& told, Rows& rows) {
    Rest rest;
    rest.head.kind = kind;
    rest.head.position = to_token(told.position);
    rest.head.version = told.version;
    rest.rows.reserve(rows.size());
    for (auto& each : rows) {
        rest.rows.push_back({op_of(each), std::move(each.key), std::move(each.row)});
    }
    return rest;
}

std::optional<LiveSession::Rest> LiveSession::next(std::chrono::milliseconds wait) {
    LiveNext next = source_->next(wait);
    if (auto* snapshot = std::get_if<LiveSnapshot<std::string>>(&next)) {
        return rest_of(LiveKind::snapshot, *snapshot, snapshot->rows);
    }
    if (auto* deltas = std::get_if<LiveDeltas<std::string>>(&next)) {
        return rest_of(LiveKind::deltas, *deltas, deltas->deltas);
    }
    if (const auto* why = std::get_if<Resync>(&next)) {
        Rest rest;
        rest.head.kind = LiveKind::resync;
        rest.head.why = name_of(*why);
        return rest;
    }
    if (const auto* reason = std::get_if<Error>(&next)) {
        end_ = ended(*reason);
    }
    return std::nullopt;
}

}  // namespace skald::cqrs
