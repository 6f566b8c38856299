#include "skald/cqrs/done.h"

namespace skald::cqrs {

Description<Receipt> Describe<Receipt>::describe() {
    return record<Receipt>("Receipt")
        .required("stream", &Receipt::stream)
        .required("version", &Receipt::version)
        .field("partition", &Receipt::partition)
        .required("offset", &Receipt::offset)
        .required("id", &Receipt::id)
        .required("position", &Receipt::position)
        .field("repeated", &Receipt::repeated)
        .field("durability", &Receipt::durability);
}

void Values<Position>::write(ValueWriter& writer, const Position& value) {
    writer.text(to_token(value));
}

bool Values<Position>::read(ValueReader& reader, Position& value) {
    std::string token;
    if (!reader.text(token)) {
        return false;
    }
    auto position = parse_position(token);
    if (!position) {
        return reader.fail("a position's token");
    }
    value = std::move(*position);
    return true;
}

}  // namespace skald::cqrs
