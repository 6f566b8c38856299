#include "client/remote_consumers.h"

#include "tests/client/fake_services.h"

namespace skald::client {
namespace {

using std::chrono::milliseconds;
using wire::ConsumerReply;
using wire::ConsumerRequest;
using wire::ConsumerVerb;

struct Fixture {
    std::unique_ptr<FakeServices> owned = std::make_unique<FakeServices>();
    FakeServices& services = *owned;
    std::unique_ptr<Consumers> consumers = consumers_over(std::move(owned), milliseconds(1000));

    void reply(const ConsumerReply& reply) { services.reply(wire::encode(reply)); }
    ConsumerRequest asked() {
        CHECK(services.last_service() == "consumers");
        const wire::Frame frame(as_bytes(services.last_payload()));
        return wire::decode_consumer_request(frame.bytes()).value();
    }
};

ConsumerRequest about(ConsumerVerb verb, std::string name = "orders") {
    ConsumerRequest request;
    request.verb = verb;
    request.name = std::move(name);
    return request;
}

ConsumerSettings orders() {
    ConsumerSettings settings;
    settings.name = "orders";
    return settings;
}

}  // namespace

TEST_CASE("remote consumers: what changes one", "[client]") {
    Fixture f;
    f.reply({});
    REQUIRE(f.consumers->create(orders()));
    ConsumerRequest request = about(ConsumerVerb::create, "");
    request.settings = orders();
    CHECK(f.asked() == request);
    REQUIRE(f.consumers->edit(orders()));
    request.verb = ConsumerVerb::edit;
    CHECK(f.asked() == request);
    REQUIRE(f.consumers->pause("orders"));
    CHECK(f.asked() == about(ConsumerVerb::pause));
    REQUIRE(f.consumers->resume("orders"));
    CHECK(f.asked() == about(ConsumerVerb::resume));
    REQUIRE(f.consumers->remove("orders"));
    CHECK(f.asked() == about(ConsumerVerb::remove));
}

TEST_CASE("remote consumers: what shows them", "[client]") {
    Fixture f;
    ConsumerReply reply;
    reply.consumers.resize(2);
    reply.consumers[1].settings = orders();
    f.reply(reply);
    CHECK(f.consumers->list().value() == reply.consumers);
    CHECK(f.asked() == about(ConsumerVerb::list, ""));
    CHECK(f.consumers->show("orders").error().code == Errc::malformed);
    reply.consumers.erase(reply.consumers.begin());
    f.reply(reply);
    CHECK(f.consumers->show("orders").value() == reply.consumers[0]);
    CHECK(f.asked() == about(ConsumerVerb::show));
}

TEST_CASE("remote consumers: parked events", "[client]") {
    Fixture f;
    const Place place{Partition{1}, Offset{7}};
    ConsumerReply reply;
    reply.parked = {{place, "a", "t", "why", 5, Time{9}, false}};
    reply.count = 3;
    f.reply(reply);
    CHECK(f.consumers->parked("orders", place, 10).value() == reply.parked);
    ConsumerRequest request = about(ConsumerVerb::parked);
    request.place = place;
    request.count = 10;
    CHECK(f.asked() == request);
    CHECK(f.consumers->replay_one("orders", place).value() == 3);
    request.verb = ConsumerVerb::replay_one;
    request.count = 0;
    CHECK(f.asked() == request);
    CHECK(f.consumers->replay("orders", 4).value() == 3);
    request = about(ConsumerVerb::replay);
    request.count = 4;
    CHECK(f.asked() == request);
    CHECK(f.consumers->purge("orders").value() == 3);
    CHECK(f.asked() == about(ConsumerVerb::purge));
}

TEST_CASE("remote consumers: errors, of the node and of what is asked", "[client]") {
    Fixture f;
    f.services.reply(Error(Errc::already_exists, "it is there"));
    CHECK(f.consumers->create(orders()).error().code == Errc::already_exists);
    CHECK(f.consumers->list().error().code == Errc::already_exists);
    CHECK(f.consumers->purge("orders").error().code == Errc::already_exists);
    f.services.reply(std::string("noise"));
    CHECK(f.consumers->pause("orders").error().code == Errc::malformed);
    ConsumerSettings bad = orders();
    bad.in_flight = 0;
    f.reply({});
    CHECK(f.consumers->create(bad).error().code == Errc::invalid_argument);
    CHECK(f.consumers->edit(bad).error().code == Errc::invalid_argument);
}

}  // namespace skald::client
