#include "skald/cqrs/bus.h"

#include "skald/cqrs/middleware.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

struct Pay {
    using Rejection = std::variant<NotOpen, Overdrawn>;
    std::string account;
    std::int64_t cents = 0;
    static auto describe() {
        return record<Pay>("Pay", 2)
            .required("account", &Pay::account)
            .required("cents", &Pay::cents)
            .upcast<1>(
                [](std::string_view) { return std::string(R"({"account":"1","cents":1})"); });
    }
};
struct Close {
    using Rejection = NotOpen;
    static auto describe() { return record<Close>("Close"); }
};
struct Balance {
    std::int64_t cents = 0;
    static auto describe() { return record<Balance>("Balance").required("cents", &Balance::cents); }
};
struct BalanceOf {
    using Reply = Balance;
    std::string account;
    static auto describe() {
        return record<BalanceOf>("BalanceOf").required("account", &BalanceOf::account);
    }
};
// Of another type, named like another one.
struct Pays {
    using Rejection = NotOpen;
    static auto describe() { return record<Pays>("Pay"); }
};

using Paid = Done<Pay::Rejection>;

// A wallet, whose rejections are those of its command.
struct Wallet {
    using Events = EventList<Withdrawn>;
    using Rejection = Pay::Rejection;
    using Decision = cqrs::Decision<Wallet>;
    std::int64_t spent = 0;
    void evolve(const Withdrawn& withdrawn) { spent += withdrawn.cents; }
    Decision decide(const Pay& command) const {
        if (spent + command.cents > 100) {
            return Overdrawn{spent + command.cents - 100};
        }
        return Withdrawn{command.cents};
    }
};

// Over a repository of wallets.
class Shop {
  public:
    explicit Shop(World& world) : wallets_(world.store(), quiet(world)) {
        REQUIRE(bus.handle<Pay>([this](const Pay& pay, const SendOptions& options) {
            return done_of(wallets_.execute(pay.account, pay, execute(options)));
        }));
        REQUIRE(bus.answer<BalanceOf>([this](const BalanceOf& query) -> Result<Balance> {
            auto loaded = wallets_.load(query.account);
            if (!loaded) {
                return loaded.error();
            }
            return Balance{100 - loaded->state.spent};
        }));
    }
    Bus bus;

  private:
    Repository<Wallet> wallets_;
};

}  // namespace

TEST_CASE("bus: commands and queries reach their handlers", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Shop shop(world);
    const auto paid = shop.bus.send(Pay{"1", 60}, {.correlation_id = "flow"});
    REQUIRE(paid);
    CHECK(paid->accepted());
    REQUIRE(paid->receipt);
    CHECK(paid->receipt->stream == "account-1");
    CHECK(world.events("account-1")[0].correlation_id == "flow");
    CHECK(shop.bus.ask(BalanceOf{"1"})->cents == 40);
    // Refused by the rules: a value.
    const auto refused = shop.bus.send(Pay{"1", 60});
    REQUIRE(refused);
    CHECK_FALSE(refused->accepted());
    CHECK(std::get<Overdrawn>(*refused->rejection).missing == 20);
    // Gone wrong: an error.
    world.store().fail_before(FaultyEventStore::Call::append, 1, {Errc::busy, "told to"});
    CHECK(shop.bus.send(Pay{"1", 1}).error().code == Errc::busy);
}

TEST_CASE("bus: a repeated command gives the first receipt", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Shop shop(world);
    const auto first = shop.bus.send(Pay{"1", 60}, {.command_id = "c"});
    const auto again = shop.bus.send(Pay{"1", 60}, {.command_id = "c"});
    REQUIRE(again->receipt);
    CHECK(again->receipt->repeated);
    CHECK(again->receipt->version == first->receipt->version);
    CHECK(again->receipt->position == first->receipt->position);
    CHECK(shop.bus.ask(BalanceOf{"1"})->cents == 40);
}

TEST_CASE("bus: what nobody handles is not_found, with the known names", "[cqrs]") {
    Bus bus;
    CHECK(bus.send(Close{}).error() == Error(Errc::not_found, "nobody handles Close; known: none"));
    World world("memory");
    Shop shop(world);
    CHECK(shop.bus.names() == std::vector<std::string>{"BalanceOf", "Pay"});
    CHECK(shop.bus.send(Close{}).error() ==
          Error(Errc::not_found, "nobody handles Close; known: BalanceOf, Pay"));
    CHECK(shop.bus.carry("Nothing", 1, "{}", {}).error().code == Errc::not_found);
}

TEST_CASE("bus: a second handler is refused", "[cqrs]") {
    World world("memory");
    Shop shop(world);
    const auto second = shop.bus.handle<Pay>([](const Pay&) -> Result<Paid> { return Paid{}; });
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::already_exists);
    CHECK_FALSE(shop.bus.handle<Pays>([](const Pays&) { return Done<NotOpen>{}; }));
    CHECK_FALSE(shop.bus.answer<BalanceOf>([](const BalanceOf&) { return Balance{}; }));
    CHECK(shop.bus.send(Pay{"1", 60})->receipt);  // the first one's
    // Of another type under the same name: never handed to the wrong one.
    CHECK(shop.bus.send(Pays{}).error().code == Errc::not_found);
}

TEST_CASE("bus: middleware sees a message in order, and its reply in reverse", "[cqrs]") {
    World world("memory");
    Shop shop(world);
    std::vector<std::string> seen;
    for (const char* name : {"a", "b"}) {
        shop.bus.use([&seen, name](const Message& message, const Next& next) {
            seen.push_back(std::string("+") + name + message.name());
            auto reply = next(message);
            seen.push_back(std::string("-") + name + (reply && reply->rejected ? "!" : ""));
            return reply;
        });
    }
    REQUIRE(shop.bus.send(Pay{"1", 1000}));
    CHECK(seen == std::vector<std::string>{"+aPay", "+bPay", "-b!", "-a!"});
}

TEST_CASE("bus: validation and rights stop a message", "[cqrs]") {
    World world("memory");
    Shop shop(world);
    shop.bus.use(authorise([](const Message& message) {
        return !message.command() || message.options().sender == "ann";
    }));
    shop.bus.use(validate<Pay>([](const Pay& pay) -> Result<void> {
        if (pay.cents <= 0) {
            return Error(Errc::invalid_argument, "cents must be above 0");
        }
        return {};
    }));
    CHECK(shop.bus.send(Pay{"1", 5}).error().message == "an unnamed sender may not send Pay");
    CHECK(shop.bus.send(Pay{"1", 5}, {.sender = "bob"}).error().code == Errc::forbidden);
    CHECK(shop.bus.send(Pay{"1", -5}, {.sender = "ann"}).error().code == Errc::invalid_argument);
    CHECK(world.events("account-1").empty());
    CHECK(shop.bus.send(Pay{"1", 5}, {.sender = "ann"})->receipt);
    CHECK(shop.bus.ask(BalanceOf{"1"})->cents == 95);
}

TEST_CASE("bus: what throws is handler_failed", "[cqrs]") {
    Bus bus;
    REQUIRE(bus.handle<Close>(
        [](const Close&) -> Result<Done<NotOpen>> { throw std::runtime_error("on purpose"); }));
    CHECK(bus.send(Close{}).error() == Error(Errc::handler_failed, "Close: on purpose"));
    bus.use([](const Message&, const Next&) -> Result<Reply> { throw 7; });
    CHECK(bus.send(Close{}).error().code == Errc::handler_failed);
}

TEST_CASE("bus: a meter counts by message", "[cqrs]") {
    World world("memory");
    Shop shop(world);
    Meter meter(&world.clock());
    std::vector<std::string> lines;
    shop.bus.use(measure(meter));
    shop.bus.use(log([&](const std::string& line) { lines.push_back(line); }, &world.clock()));
    std::int64_t took = 0;
    shop.bus.use([&](const Message& message, const Next& next) {
        world.clock().advance(std::chrono::microseconds(took));
        return next(message);
    });
    for (took = 1; took <= 99; ++took) {
        REQUIRE(shop.bus.ask(BalanceOf{"1"}));
    }
    took = 5000;
    world.store().fail_before(FaultyEventStore::Call::read, 1, {Errc::busy, "told to"});
    CHECK_FALSE(shop.bus.ask(BalanceOf{"1"}));
    CHECK(shop.bus.send(Pay{"1", 1000})->rejection);
    CHECK_FALSE(shop.bus.send(Close{}));

    const auto figures = meter.figures();
    REQUIRE(figures.size() == 2);
    const Meter::Figures& asked = figures.at("BalanceOf");
    CHECK(asked.done == 100);
    CHECK(asked.failed == 1);
    CHECK(asked.rejected == 0);
    CHECK(asked.total.count() == 99 * 100 / 2 + 5000);
    CHECK(asked.longest.count() == 5000);
    CHECK(asked.at_share(0.5).count() == 64);
    CHECK(asked.at_share(0.99).count() == 128);
    CHECK(asked.at_share(1).count() == 8192);
    CHECK(Meter::Figures{}.at_share(1).count() == 0);
    CHECK(figures.at("Pay").rejected == 1);
    CHECK(figures.at("Pay").failed == 0);
    REQUIRE(lines.size() == 101);
    CHECK(lines[0] == "BalanceOf ok 1 us");
    CHECK(lines[99] == "BalanceOf busy (told to) 5000 us");
    CHECK(lines[100] == "Pay rejected 5000 us");
}

TEST_CASE("bus: messages and replies as data", "[cqrs][contract]") {
    World world(GENERATE(every_store()));
    Shop shop(world);
    const auto sent =
        shop.bus.carry("Pay", 2, R"({"account":"1","cents":60})", {.command_id = "c"});
    REQUIRE(sent);
    Paid paid;
    REQUIRE(decode_value(*sent, paid));
    REQUIRE(paid.receipt);
    CHECK(paid.receipt->stream == "account-1");
    // What comes back is what was there, position and all.
    const auto same = shop.bus.send(Pay{"1", 60}, {.command_id = "c"});
    CHECK(paid.receipt->position == same->receipt->position);
    CHECK(paid.receipt->id == same->receipt->id);
    CHECK(paid.receipt->offset == same->receipt->offset);
    CHECK(paid.receipt->durability == same->receipt->durability);
    CHECK_FALSE(paid.receipt->repeated);

    const auto refused = shop.bus.carry("Pay", 2, R"({"account":"1","cents":60})", {});
    REQUIRE(refused);
    CHECK(*refused == R"({"receipt":null,"rejection":{"Overdrawn":{"missing":20}},"exists":null})");
    REQUIRE(decode_value(*refused, paid = Paid{}));
    CHECK(std::get<Overdrawn>(*paid.rejection).missing == 20);
    CHECK(*shop.bus.carry("BalanceOf", 1, R"({"account":"1"})", {}) == R"({"cents":40})");
    // An old message.
    CHECK(shop.bus.carry("Pay", 1, "old", {}));
    CHECK(shop.bus.ask(BalanceOf{"1"})->cents == 39);
    // Middleware has its say here too.
    shop.bus.use(authorise([](const Message& message) { return message.as<Pay>() == nullptr; }));
    CHECK(shop.bus.carry("Pay", 2, R"({"account":"1","cents":1})", {}).error().code ==
          Errc::forbidden);
}

TEST_CASE("bus: data that is not of the message", "[cqrs]") {
    World world("memory");
    Shop shop(world);
    const auto broken = shop.bus.carry("Pay", 2, R"({"account":"1","cents":"x"})", {});
    REQUIRE_FALSE(broken);
    CHECK(broken.error().code == Errc::malformed);
    CHECK(broken.error().message.find("Pay: field cents") == 0);
    CHECK(shop.bus.carry("Pay", 3, "{}", {}).error().code == Errc::unsupported_version);
    Paid paid;
    for (const char* text :
         {R"({"rejection":{"Other":{}}})", R"({"rejection":{}})",
          R"({"rejection":{"NotOpen":{},"Overdrawn":{}}})", R"({"receipt":{}})", "[]"}) {
        CHECK_FALSE(decode_value(text, paid = Paid{}));
    }
    CHECK(decode_value(R"({"rejection":{"Other":{}}})", paid = Paid{}).error().message ==
          R"(field rejection: expected one of NotOpen, Overdrawn, found {})");
}

}  // namespace skald::cqrs
