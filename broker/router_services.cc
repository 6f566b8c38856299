// Services: requests to workers and their answers, between sessions.
#include <fmt/format.h>

#include "broker/limits.h"
#include "broker/router.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

// What rights are asked about.
std::string right_to(const std::string& service) {
    return "service/" + service;
}

ServiceClient client_of(const Session& session) {
    return {session.peer, session.serial};
}

Frame copy_of(Bytes bytes) {
    return std::make_shared<const std::string>(as_text(bytes));
}

}  // namespace

Result<void> Router::check_service(const Session& session, const std::string& service) const {
    if ((session.features & msg::kFeatureServices) == 0) {
        return Error(Errc::unsupported_version, "services were not agreed on in Hello");
    }
    if (draining_) {
        return Error(Errc::shutting_down, "the node is going down");
    }
    if (service.empty() || service.size() > kServiceNameBytesMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("a service's name has 1-{} bytes", kServiceNameBytesMax));
    }
    return {};
}

bool Router::on(Session& session, Arrival&, const msg::Serve& serve) {
    if (!admit_plain(session, serve.id)) {
        return false;
    }
    if (auto ok = this->serve(session, serve); !ok) {
        refuse(session, serve.id, std::move(ok.error()));
    }
    return false;
}

// Done goes before the first call.
Result<void> Router::serve(Session& session, const msg::Serve& serve) {
    if (auto ok = check_service(session, serve.service); !ok) {
        return ok;
    }
    if (!session.rights.may_administer(right_to(serve.service))) {
        return Error(Errc::forbidden, fmt::format("no right to administer {:?}, which serving is",
                                                  right_to(serve.service)));
    }
    if (auto ok = services_.serve(client_of(session), serve, now_, services_out_); !ok) {
        return ok;
    }
    effects_->send(session.peer, msg::Done{serve.id});
    return {};
}

bool Router::on(Session& session, Arrival&, const msg::Unserve& unserve) {
    if (!admit_plain(session, unserve.id)) {
        return false;
    }
    if (auto ok = services_.unserve(client_of(session), unserve.worker, now_, services_out_); !ok) {
        refuse(session, unserve.id, std::move(ok.error()));
        return false;
    }
    effects_->send(session.peer, msg::Done{unserve.id});
    return false;
}

bool Router::on(Session& session, Arrival& arrival, const msg::Request& request) {
    if (!admit_plain(session, request.id)) {
        return false;
    }
    if (auto ok = this->request(session, arrival, request); !ok) {
        refuse(session, request.id, std::move(ok.error()));
    }
    return false;
}

Result<void> Router::request(Session& session, const Arrival& arrival,
                             const msg::Request& request) {
    if (auto ok = check_service(session, request.service); !ok) {
        return ok;
    }
    if (!session.rights.may_write(right_to(request.service))) {
        return Error(Errc::forbidden,
                     fmt::format("no right to write {:?}", right_to(request.service)));
    }
    if (arrival.frames != 2) {
        return Error(Errc::malformed, "a request is one body frame");
    }
    const std::size_t bytes = arrival.body.bytes.size();
    if (bytes > limits::kRequestBytesMax) {
        return Error(Errc::request_too_large, fmt::format("a request of {} bytes; at most {}",
                                                          bytes, limits::kRequestBytesMax));
    }
    if (bytes_in_flight_ + services_.bytes() + bytes + kRequestCost >
        parts_.limits.request_bytes_in_flight) {
        return Error(Errc::busy, "the node has all the requests it can hold");
    }
    auto done = services_.request(client_of(session), request, copy_of(arrival.body.bytes), now_,
                                  services_out_);
    return done;
}

bool Router::on(Session& session, Arrival& arrival, const msg::Respond& respond) {
    Result<Frame> reply =
        respond.error ? Result<Frame>(*respond.error) : Result<Frame>(copy_of(arrival.body.bytes));
    if (reply && (arrival.frames != 2 || (*reply)->size() > limits::kRequestBytesMax)) {
        reply = Error(Errc::handler_failed, "the worker's reply is none, or too large");
    }
    auto ok = services_.respond(client_of(session), respond.number, std::move(reply), now_,
                                services_out_);
    if (!ok) {
        malformed(session, ok.error());
    }
    return false;
}

// What services owe since the last time: also on behalf of sessions that were lost.
void Router::send_services() {
    const ServiceTable::Out out = std::exchange(services_out_, {});
    for (const ServiceTable::Call& call : out.calls) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(call.left).count();
        effects_->send(call.peer,
                       msg::Call{call.worker, call.number, static_cast<std::uint32_t>(left)},
                       {call.payload});
    }
    for (const ServiceTable::Answer& answer : out.answers) {
        if (!answer.reply) {
            effects_->send(answer.peer, msg::Rejected{answer.id, {}, answer.reply.error()});
        } else if (parts_.send_room(answer.peer) == 0) {
            // It would wait here for somebody who takes nothing.
            effects_->send(
                answer.peer,
                msg::Rejected{answer.id,
                              {},
                              Error(Errc::outcome_unknown,
                                    "there was no room for the reply: take what was sent")});
        } else {
            effects_->send(answer.peer, msg::Reply{answer.id}, {*answer.reply});
        }
    }
}

}  // namespace skald::broker
