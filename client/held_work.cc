#include "client/held_work.h"

#include <fmt/format.h>

#include "base/check.h"
#include "client/decode.h"
#include "wire/consumer_messages.h"
#include "wire/envelope.h"

namespace skald::client {

Result<void> HeldWork::add(std::string reply) {
    Page page;
    page.memory = std::make_shared<const std::string>(std::move(reply));
    const Bytes bytes = as_bytes(*page.memory);
    SKALD_CHECK(wire::aligned(bytes), "a string's bytes are aligned for any type");
    auto decoded = wire::decode_member_reply(bytes);
    if (!decoded) {
        return decoded.error();
    }
    for (std::size_t i = 0; i < decoded->heads.size(); ++i) {
        const std::size_t before = page.events.size();
        if (auto ok =
                decode_body(decoded->slices[i], decoded->heads[i].partition, false, page.events);
            !ok) {
            return ok;
        }
        if (page.events.size() - before != decoded->heads[i].events) {
            return Error(Errc::malformed,
                         fmt::format("{} events where {} were announced",
                                     page.events.size() - before, decoded->heads[i].events));
        }
    }
    page.attempts = std::move(decoded->attempts);
    page.term = decoded->term;
    page.answered = decoded->answered;
    if (!page.events.empty()) {
        pages_.push_back(std::move(page));
    }
    return {};
}

HeldWork::Piece HeldWork::take() {
    Page& page = pages_.front();
    if (page.next == 0) {
        std::erase_if(failures_, [&](const auto& entry) { return entry.second <= page.answered; });
    }
    Piece piece{page.events[page.next], page.memory, 1, page.term, page.answered};
    if (!page.attempts.empty()) {
        piece.attempt = page.attempts[page.next];
    }
    if (++page.next == page.events.size()) {
        pages_.pop_front();
    }
    return piece;
}

void HeldWork::clear() {
    pages_.clear();
    failures_.clear();
}

void HeldWork::failed(const Piece& piece, std::uint64_t answer) {
    if (mode_ != ConsumerMode::shared) {
        failures_[key_of(piece)] = answer;
    }
}

bool HeldWork::behind_failure(const Piece& piece) const {
    return !failures_.empty() && failures_.contains(key_of(piece));
}

std::string HeldWork::key_of(const Piece& piece) const {
    return mode_ == ConsumerMode::exclusive ? std::string()
                                            : std::string(wire::key_of(piece.event, metadata_));
}

}  // namespace skald::client
