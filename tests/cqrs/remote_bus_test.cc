// Commands and queries between programs, over services in memory and over a node.
#include "skald/cqrs/remote_bus.h"

#include <map>

#include "skald/node.h"
#include "skald/store.h"
#include "tests/cqrs/account.h"
#include "tests/cqrs/repository_fixture.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {

template <>
struct Describe<AlreadyOpen> {
    static Description<AlreadyOpen> describe() { return record<AlreadyOpen>("AlreadyOpen"); }
};

namespace {

struct Take {
    using Rejection = Account::Rejection;
    std::string account;
    std::int64_t cents = 0;
    static auto describe() {
        return record<Take>("Take")
            .required("account", &Take::account)
            .required("cents", &Take::cents);
    }
};
struct Held {
    std::int64_t cents = 0;
    static auto describe() { return record<Held>("Held").required("cents", &Held::cents); }
};
struct HeldBy {
    using Reply = Held;
    std::string account;
    static auto describe() {
        return record<HeldBy>("HeldBy").required("account", &HeldBy::account);
    }
};
// Another program's idea of the same query.
struct HeldByText {
    struct Reply {
        std::string cents;
        static auto describe() { return record<Reply>("Held").required("cents", &Reply::cents); }
    };
    std::string account;
    static auto describe() {
        return record<HeldByText>("HeldBy").required("account", &HeldByText::account);
    }
};
struct Unheard {
    using Rejection = NotOpen;
    static auto describe() { return record<Unheard>("Unheard"); }
};

// A node that holds the accounts and their bus, and another client of it.
class Bank {
  public:
    Bank() {
        NodeOptions options;
        options.data_dir = directory_.path("data");
        options.map_bytes = std::size_t{1} << 30;
        options.listen = {"ipc://" + directory_.path("node")};
        auto node = Node::start(options);
        REQUIRE(node);
        node_ = std::move(*node);
        accounts_ = std::make_unique<Repository<Account>>(node_->local(),
                                                          RepositoryOptions{.category = "account"});
        REQUIRE(accounts_->execute("1", Open{"ann"}));
        REQUIRE(accounts_->execute("1", Deposit{100}));
        REQUIRE(bus.handle<Take>([this](const Take& take, const SendOptions& how) {
            return done_of(accounts_->execute(take.account, Withdraw{take.cents}, execute(how)));
        }));
        REQUIRE(bus.answer<HeldBy>([this](const HeldBy& query) -> Result<Held> {
            auto account = accounts_->load(query.account);
            if (!account) {
                return account.error();
            }
            return Held{account->state.cents};
        }));
        here = services();
        there = services();
    }
    std::unique_ptr<Services> services() const {
        ClientOptions options;
        options.servers = node_->endpoints();
        auto services = connect_services(options);
        REQUIRE(services);
        return std::move(*services);
    }
    EventStore& store() { return node_->local(); }

  private:
    TempDirectory directory_;
    std::unique_ptr<Node> node_;
    std::unique_ptr<Repository<Account>> accounts_;

  public:
    Bus bus;
    std::unique_ptr<Services> here;
    std::unique_ptr<Services> there;
};

}  // namespace

TEST_CASE("remote bus: commands and queries reach a handler elsewhere", "[cqrs]") {
    Bank bank;
    const RemoteBus remote(*bank.there, "bank");
    CHECK(remote.send(Take{"1", 60}).error().code == Errc::not_ready);
    auto serving = serve_bus(*bank.here, "bank", bank.bus);
    REQUIRE(serving);
    const auto taken = remote.send(Take{"1", 60}, {.command_id = "c", .correlation_id = "flow"});
    REQUIRE(taken);
    REQUIRE(taken->receipt);
    CHECK(taken->receipt->stream == "account-1");
    CHECK(remote.ask(HeldBy{"1"})->cents == 40);
    const auto page = bank.store().read({Selection::stream("account-1")});
    REQUIRE(page->events.size() == 3);
    CHECK(page->events[2].correlation_id() == "flow");
    // A repeat gives the first receipt, a rejection its type.
    const auto again = remote.send(Take{"1", 60}, {.command_id = "c"});
    CHECK(again->receipt->repeated);
    CHECK(again->receipt->position == taken->receipt->position);
    const auto refused = remote.send(Take{"1", 60});
    REQUIRE(refused);
    CHECK(std::get<Overdrawn>(*refused->rejection).missing == 20);
    CHECK(std::holds_alternative<NotOpen>(*remote.send(Take{"2", 1})->rejection));
    // Errors come through as they are.
    const auto unheard = remote.send(Unheard{});
    CHECK(unheard.error().code == Errc::not_found);
    CHECK(unheard.error().message == "nobody handles Unheard; known: HeldBy, Take");
    CHECK(remote.ask(HeldByText{"1"}).error().code == Errc::malformed);
    CHECK(bank.there->request("bank", "{}", std::chrono::seconds(10)).error().code ==
          Errc::malformed);
}

TEST_CASE("remote bus: the sender is told to middleware", "[cqrs]") {
    Bank bank;
    std::string sender;
    bank.bus.use([&](const Message& message, const Next& next) {
        sender = message.options().sender;
        return next(message);
    });
    auto serving = serve_bus(*bank.here, "bank", bank.bus);
    REQUIRE(serving);
    REQUIRE(RemoteBus(*bank.there, "bank").ask(HeldBy{"1"}, {.sender = "ann"}));
    CHECK(sender == "ann");
}

}  // namespace skald::cqrs
