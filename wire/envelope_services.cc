// Messages about services, out of their envelopes.
#include "wire/envelope_parts.h"

namespace skald::wire::parts {

msg::FromClient service_request(const fb::Envelope& e) {
    switch (e.body_type()) {
        case fb::Body::Serve: {
            const auto& m = *e.body_as_Serve();
            if (m.balance() > fb::Balance::MAX) {
                throw Refused("balance out of range");
            }
            return msg::Serve{m.id(), text(m.service()), static_cast<Balance>(m.balance()),
                              m.weight(), m.capacity()};
        }
        case fb::Body::Unserve:
            return msg::Unserve{e.body_as_Unserve()->id(), e.body_as_Unserve()->worker()};
        case fb::Body::Request: {
            const auto& m = *e.body_as_Request();
            return msg::Request{m.id(), text(m.service()), m.deadline_ms()};
        }
        case fb::Body::Respond: {
            const auto& m = *e.body_as_Respond();
            return msg::Respond{m.number(), m.error() == nullptr
                                                ? std::nullopt
                                                : std::optional(from_fb(m.error()))};
        }
        default:
            throw Refused("not a message of a client");
    }
}

msg::FromNode service_message(const fb::Envelope& e) {
    switch (e.body_type()) {
        case fb::Body::Call: {
            const auto& m = *e.body_as_Call();
            return msg::Call{m.worker(), m.number(), m.left_ms()};
        }
        case fb::Body::Reply:
            return msg::Reply{e.body_as_Reply()->id()};
        default:
            throw Refused("not a message of a node");
    }
}

}  // namespace skald::wire::parts
