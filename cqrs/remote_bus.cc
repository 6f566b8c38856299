#include "skald/cqrs/remote_bus.h"

namespace skald::cqrs {

template <>
struct Describe<SendOptions> {
    static Description<SendOptions> describe() {
        return record<SendOptions>("SendOptions")
            .field("command_id", &SendOptions::command_id)
            .field("sender", &SendOptions::sender)
            .field("correlation_id", &SendOptions::correlation_id)
            .field("causation_id", &SendOptions::causation_id)
            .field("trace_context", &SendOptions::trace_context)
            .field("hop", &SendOptions::hop);
    }
};

Description<MessageEnvelope> MessageEnvelope::describe() {
    return record<MessageEnvelope>("MessageEnvelope")
        .required("name", &MessageEnvelope::name)
        .required("schema_version", &MessageEnvelope::schema_version)
        .required("data", &MessageEnvelope::data)
        .field("options", &MessageEnvelope::options);
}

Result<std::unique_ptr<Serving>> serve_bus(ServiceHost& host, std::string_view name, const Bus& bus,
                                           const ServeOptions& options) {
    return host.serve(
        name,
        [&bus](const ServiceRequest& request) -> Result<std::string> {
            MessageEnvelope message;
            if (auto ok = decode_value(request.payload, message); !ok) {
                return ok.error();
            }
            return bus.carry(message.name, message.schema_version, message.data, message.options);
        },
        options);
}

Result<std::string> detail::envelope_of(const std::string& name, std::uint32_t schema_version,
                                        Result<std::string> data, const SendOptions& options) {
    if (!data) {
        return data;
    }
    return encode_value(MessageEnvelope{name, schema_version, std::move(*data), options});
}

}  // namespace skald::cqrs
