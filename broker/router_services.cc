// Services: requests to workers and their answers, between sessions.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/glob.h"
#include "broker/limits.h"
#include "broker/router.h"
#include "wire/service_call.h"

namespace skald::broker {
namespace {

namespace msg = wire::msg;

// What rights are asked about.
std::string right_to(std::string_view service) {
    return fmt::format("service/{}", wire::service_of(service));
}

ServiceClient client_of(const Session& session) {
    return {session.peer, session.serial};
}

// What serves: as a stream is named, but shorter.
Result<void> check_name(const std::string& service) {
    if (service.size() > kServiceNameBytesMax) {
        return Error(Errc::invalid_argument,
                     fmt::format("a service's name has 1-{} bytes", kServiceNameBytesMax));
    }
    if (auto ok = check_stream_name(service); !ok) {
        return Error(Errc::invalid_argument, "the service's name: " + ok.error().message);
    }
    return {};
}

Frame copy_of(Bytes bytes) {
    return std::make_shared<const std::string>(as_text(bytes));
}

// A worker's error is as long as it likes; whoever takes nothing gets what is certain to be short.
void cut(Error& error) {
    error.message = utf8_prefix(error.message, kShortErrorBytes);
    error.conflicts.clear();
}

}  // namespace

Result<void> Router::check_services(const Session& session) const {
    if ((session.features & msg::kFeatureServices) == 0) {
        return Error(Errc::unsupported_version, "services were not agreed on in Hello");
    }
    if (draining_) {
        return Error(Errc::shutting_down, "the node is going down");
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
    if (auto ok = check_services(session); !ok) {
        return ok;
    }
    if (auto ok = check_name(serve.service); !ok) {
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
    if (request.service == wire::kServiceNames) {
        answer_names(session, arrival, request);
        return false;
    }
    if (auto ok = this->request(session, arrival, request); !ok) {
        refuse(session, request.id, std::move(ok.error()));
    }
    return false;
}

Result<void> Router::request(Session& session, const Arrival& arrival,
                             const msg::Request& request) {
    if (auto ok = check_services(session); !ok) {
        return ok;
    }
    if (auto ok = check_name(request.service); !ok) {
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
    if (bytes_held() + bytes + kRequestCost > parts_.limits.request_bytes_in_flight) {
        return Error(Errc::busy, "the node has all the requests it can hold");
    }
    auto done = services_.request(client_of(session), request, copy_of(arrival.body.bytes), now_,
                                  services_out_);
    return done;
}

// Names hold no line ends. With all the workers that there may be, they fit into a reply.
void Router::answer_names(Session& session, const Arrival& arrival, const msg::Request& request) {
    if (auto ok = check_services(session); !ok) {
        refuse(session, request.id, std::move(ok.error()));
        return;
    }
    const auto may_ask = [&session](const std::string& service) {
        return !wire::is_place(service) && session.rights.may_write(right_to(service));
    };
    const auto names = services_.names(as_text(arrival.body.bytes), may_ask);
    effects_->send(
        session.peer, msg::Reply{request.id},
        {std::make_shared<const std::string>(fmt::format("{}", fmt::join(names, "\n")))});
}

Result<void> Router::serve_here(const msg::Serve& serve, Monotonic now, Effects& effects) {
    effects_ = &effects;
    now_ = now;
    if (draining_) {
        return Error(Errc::shutting_down, "the node is going down");
    }
    auto ok = check_name(serve.service);
    if (ok) {
        ok = services_.serve(kHere, serve, now_, services_out_);
    }
    send_services();
    return ok;
}

void Router::unserve_here(std::uint64_t worker, Monotonic now, Effects& effects) {
    effects_ = &effects;
    now_ = now;
    (void)services_.unserve(kHere, worker, now_, services_out_);
    send_services();
}

void Router::respond_here(std::uint64_t number, Result<Frame> reply, Monotonic now,
                          Effects& effects) {
    effects_ = &effects;
    now_ = now;
    (void)services_.respond(kHere, number, std::move(reply), now_, services_out_);
    send_services();
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
    if (services_out_.calls.empty() && services_out_.answers.empty()) {
        return;
    }
    const ServiceTable::Out out = std::exchange(services_out_, {});
    for (const ServiceTable::Call& call : out.calls) {
        if (call.client == kHere) {
            effects_->calls.push_back({call.worker, call.number, call.left, call.payload});
            continue;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(call.left).count();
        effects_->send(call.client.peer,
                       msg::Call{call.worker, call.number, static_cast<std::uint32_t>(left)},
                       {call.payload});
    }
    for (const ServiceTable::Answer& answer : out.answers) {
        if (!answer.reply) {
            Error error = answer.reply.error();
            if (parts_.send_room(answer.peer) == 0) {
                cut(error);
            }
            effects_->send(answer.peer, msg::Rejected{answer.id, {}, std::move(error)});
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
