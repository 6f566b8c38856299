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

std::size_t held_by(const LiveChange& change) {
    return change.key.size() + change.row.size();
}

}  // namespace

void LiveSession::stop() {
    const std::scoped_lock lock(ending_);
    if (source_) {
        source_->stop();
    }
}

void LiveSession::end(const Error& reason) {
    stop();  // else a poll may wait for long
    const std::scoped_lock polling(polling_);
    if (!end_) {
        end_ = ended(reason);
    }
    drop_rest();
    std::unique_ptr<LiveSource> source;
    {
        const std::scoped_lock lock(ending_);
        source = std::move(source_);
    }
}

std::size_t LiveSession::held() const {
    const std::scoped_lock lock(ending_);
    return rest_bytes_ + (source_ ? source_->held() : 0);
}

void LiveSession::drop_rest() {
    rest_.reset();
    rest_bytes_ = 0;
}

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
            rest_bytes_ = rest_ ? rest_->bytes : 0;
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
            drop_rest();
            return true;
        }
        if (bytes + size > limits::kLiveAnswerBytesMax &&
            !(part.rows.empty() && last_.parts.empty())) {
            part.more = true;
            break;
        }
        bytes += size;
        rest_bytes_ -= held_by(change);
        part.rows.push_back(std::move(change));
    }
    const bool full = part.more;
    if (!full) {
        drop_rest();
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
        rest.bytes += held_by(rest.rows.back());
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
