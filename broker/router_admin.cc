// The log itself, for copies of it, and its scavenging: only for who administers everything.
#include <algorithm>

#include "broker/limits.h"
#include "broker/router.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

}  // namespace

bool Router::admit_administrator(Session& session, std::uint64_t id) {
    if (!admit_plain(session, id)) {
        return false;
    }
    if (!session.rights.administers_all()) {
        refuse(session, id, Error(Errc::forbidden, "no right to administer everything"));
        return false;
    }
    return true;
}

bool Router::on(Session& session, Arrival&, const msg::GetLog& get) {
    if (admit_administrator(session, get.id)) {
        wait(session, get.id, {get, 0, nullptr, 0});
    }
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::FetchLog& fetch) {
    if (admit_administrator(session, fetch.id)) {
        wait(session, fetch.id, {fetch, 0, nullptr, 0});
    }
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::FetchProducers& fetch) {
    if (admit_administrator(session, fetch.id)) {
        wait(session, fetch.id, {fetch, fetch.after.size(), nullptr, 0});
    }
    return false;
}

bool Router::on(Session& session, Arrival&, const msg::Scavenge& scavenge) {
    if (!admit_administrator(session, scavenge.id)) {
        return false;
    }
    if (draining_ || scavenge.run.is_nil()) {
        refuse(session, scavenge.id,
               draining_ ? Error(Errc::shutting_down, "the node is going down")
                         : Error(Errc::malformed, "a scavenge without the id of its run"));
        return false;
    }
    auto standing = parts_.scavenges.ask(scavenge);
    if (standing) {
        effects_->send(session.peer, std::move(*standing));
    } else {
        refuse(session, scavenge.id, std::move(standing.error()));
    }
    return false;
}

// ---- answers, in turn. False when the request goes on waiting.

bool Router::answer(Session& session, Waiting&, const msg::GetLog& get, std::size_t) {
    auto state = parts_.volume.log().state();
    if (state) {
        effects_->send(session.peer, msg::LogAnswer{get.id, std::move(*state)});
    } else {
        refuse(session, get.id, std::move(state.error()));
    }
    return true;
}

// A batch goes whole, however large: for one that is larger than the peer's room, the reserve that
// others live on is not touched.
bool Router::answer(Session& session, Waiting&, const msg::FetchLog& fetch, std::size_t room) {
    const std::size_t bytes = std::min({std::size_t{fetch.bytes}, kLogBytes, room});
    auto run = parts_.volume.log().batches({fetch.partition, fetch.from, fetch.end, bytes});
    if (!run) {
        refuse(session, fetch.id, std::move(run.error()));
        return true;
    }
    const std::size_t first = run->batches.empty() ? 0 : run->batches.front().size();
    if (first > room && room < kSendPartMin) {
        return false;
    }
    std::vector<Frame> bodies;
    bodies.reserve(run->batches.size());
    for (const Bytes batch : run->batches) {
        bodies.push_back(std::make_shared<const std::string>(as_text(batch)));
    }
    effects_->send(session.peer, msg::LogBatches{fetch.id}, std::move(bodies));
    return true;
}

bool Router::answer(Session& session, Waiting&, const msg::FetchProducers& fetch,
                    std::size_t room) {
    const std::size_t bytes = std::min({std::size_t{fetch.bytes}, kLogBytes, room});
    auto rows = parts_.volume.log().producers(fetch.partition, fetch.after, bytes);
    if (!rows) {
        refuse(session, fetch.id, std::move(rows.error()));
        return true;
    }
    std::vector<Frame> bodies{std::make_shared<const std::string>(std::move(rows->rows))};
    effects_->send(session.peer, msg::LogProducers{fetch.id, rows->covered, std::move(rows->next)},
                   std::move(bodies));
    return true;
}

}  // namespace skald::broker
