// Attaching an inline projection: to a log that has events, again, in another version, and where it
// cannot be.
#include <thread>

#include "skald/admin.h"
#include "skald/client.h"
#include "skald/cqrs/hosted_models.h"
#include "skald/cqrs/remote_models.h"
#include "skald/node.h"
#include "store/lmdb/database_names.h"
#include "store/local_store.h"
#include "tests/cqrs/follower.h"
#include "tests/cqrs/inline_ledger.h"
#include "tests/cqrs/stores.h"

namespace skald::cqrs {
namespace {

// Counts what it is called for.
AnyProjection counting(std::atomic<int>& calls, std::uint32_t version = 1) {
    AnyProjection projection = balances(version).build();
    projection.apply = [&calls, inner = projection.apply](RowChanges& rows,
                                                          const EventView& event) {
        ++calls;
        return inner(rows, event);
    };
    return projection;
}

// Doubles what it is given.
Projection<Balance> doubling(std::uint32_t version) {
    Projection<Balance> projection("balances", version, balance_rows());
    projection
        .on<Opened>([](Rows<Balance>& rows, const Opened& opened, const EventView& at) {
            rows.put({std::string(at.stream), opened.owner, 0, 0, {}});
        })
        .on<Deposited>([](Rows<Balance>& rows, const Deposited& deposited, const EventView& at) {
            rows.change(at.stream, [&](Balance& balance) { balance.cents += 2 * deposited.cents; });
        });
    return projection;
}

// Of another owner, under another name.
Projection<Balance> of_another(const std::string& name) {
    Projection<Balance> projection(name, 1, balance_rows());
    projection.on<Opened>([](Rows<Balance>& rows, const Opened&, const EventView& at) {
        rows.put({std::string(at.stream), "another", 0, 0, {}});
    });
    return projection;
}

store::InlineHost& host_of(EventStore& store) {
    return store::volume_of(store)->inline_host();
}

std::size_t databases_of(EventStore& store, const std::string& prefix) {
    auto txn = host_of(store).env().read();
    REQUIRE(txn);
    const auto names = store::lmdb::database_names(*txn, prefix);
    REQUIRE(names);
    return names->size();
}

Projection<Balance> other_rows(std::uint32_t version) {
    return Projection<Balance>("balances", version,
                               rows<Balance>().key(&Balance::account).index(&Balance::owner));
}

// A node whose log has an inline projection.
struct Attended {
    Attended() {
        NodeOptions options;
        options.data_dir = directory.path("log");
        options.map_bytes = std::size_t{1} << 30;
        options.listen = {"ipc://" + directory.path("node")};
        auto started = Node::start(options);
        REQUIRE(started);
        node = std::move(*started);
        auto attached = InlineProjection::attach(node->local(), balances().build());
        REQUIRE(attached);
        model = std::move(*attached);
        client.servers = node->endpoints();
    }
    const TempDirectory directory;
    std::unique_ptr<Node> node;
    std::unique_ptr<InlineProjection> model;
    ClientOptions client;
};

}  // namespace

TEST_CASE("inline attach: rows are built of what is in the log", "[cqrs]") {
    InlineLedger ledger(GENERATE(std::uint16_t{1}, std::uint16_t{16}));
    for (int i = 0; i < 30; ++i) {
        REQUIRE(ledger.append("a-" + std::to_string(i % 7), opened("ann")));
        REQUIRE(ledger.append("a-" + std::to_string(i % 7), deposited(i, std::to_string(i))));
    }
    std::atomic<int> calls = 0;
    ledger.attach(counting(calls));
    CHECK(calls == 60);
    CHECK(ledger.is_recount());
    CHECK(ledger.append("a-1", deposited(1, "28")).error().code == Errc::already_exists);
    CHECK(ledger.append("a-1", deposited(1)));
    CHECK(calls == 62);
    CHECK(ledger.is_recount());
}

TEST_CASE("inline attach: nothing that others append meanwhile is missed", "[cqrs]") {
    InlineLedger ledger;
    constexpr std::uint64_t kBefore = 12'000;  // more than the last step takes
    for (std::uint64_t i = 0; i < kBefore; i += 4000) {
        REQUIRE(ledger.store->append(
            Append::many("old-" + std::to_string(i), std::vector(4000, opened("ann")))));
    }
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> written = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; !stop; ++i) {
                const std::string stream = "a-" + std::to_string(t) + "-" + std::to_string(i % 50);
                written += ledger.append(stream, i < 50 ? opened("bob") : deposited(1)) ? 1 : 0;
            }
        });
    }
    while (written < 20) {
        std::this_thread::yield();
    }
    ledger.attach();
    for (const std::uint64_t seen = written; written < seen + 50;) {
        std::this_thread::yield();
    }
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(ledger.status().events == kBefore + written);
    CHECK(ledger.is_recount());
}

TEST_CASE("inline attach: goes on where it was, and brings up what it missed", "[cqrs]") {
    InlineLedger ledger;
    std::atomic<int> calls = 0;
    ledger.attach(counting(calls));
    REQUIRE(ledger.append("a-1", opened("ann")));
    REQUIRE(ledger.append("a-1", deposited(5)));
    ledger.open();
    ledger.attach(counting(calls));
    CHECK(calls == 2);
    CHECK(ledger.balance("a-1")->cents == 5);
    ledger.model.reset();
    REQUIRE(ledger.append("a-1", deposited(2)));  // nobody is asked
    CHECK(calls == 2);
    ledger.open();
    REQUIRE(ledger.append("a-1", deposited(1)));
    ledger.attach(counting(calls));
    CHECK(calls == 4);
    CHECK(ledger.balance("a-1") == Balance{"a-1", "ann", 8, 3, {}});
    CHECK(ledger.status().events == 4);
    CHECK(ledger.append("a-1", deposited(1)));
    CHECK(ledger.is_recount());
}

TEST_CASE("inline attach: an event that was appended without it may hold it up", "[cqrs]") {
    InlineLedger ledger;
    REQUIRE(ledger.append("a-1", opened("ann")));
    REQUIRE(ledger.append("a-1", withdrawn(13)));
    const auto refused = InlineProjection::attach(*ledger.store, balances().build());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::handler_failed);
    CHECK_THAT(refused.error().message,
               Catch::Contains("partition 0 offset 1: stream a-1 version 1: event Withdrawn"));
    CHECK(ledger.append("a-1", withdrawn(13)));
    // Another version takes it.
    ledger.attach(doubling(2).build());
    CHECK(ledger.balance("a-1")->cents == 0);
}

TEST_CASE("inline attach: another version is built anew and takes the place", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    REQUIRE(ledger.append("a-1", deposited(5)));
    ledger.model.reset();
    const auto refused = InlineProjection::attach(*ledger.store, other_rows(1).build());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK_THAT(refused.error().message, Catch::Contains("give the new ones a higher version"));
    ledger.open();
    ledger.attach(doubling(2).build());
    CHECK(ledger.status().version == 2);
    CHECK(ledger.balance("a-1")->cents == 10);
    REQUIRE(ledger.append("a-1", deposited(1)));
    CHECK(ledger.balance("a-1")->cents == 12);
    CHECK(ledger.is_recount(doubling(2).build()));
    ledger.open();
    ledger.attach();  // back, from nothing
    CHECK(ledger.status().version == 1);
    CHECK(ledger.balance("a-1")->cents == 6);
    CHECK(ledger.is_recount());
}

TEST_CASE("inline attach: of a stream that is not there yet", "[cqrs]") {
    InlineLedger ledger(GENERATE(std::uint16_t{1}, std::uint16_t{16}));
    const auto projection = balances().from(Selection::stream("a-1")).build();
    REQUIRE(ledger.append("a-2", opened("bob")));
    ledger.attach(projection);
    REQUIRE(ledger.append("a-1", opened("ann")));
    REQUIRE(ledger.append("a-3", withdrawn(13)));
    CHECK(ledger.is_recount(projection));
    ledger.open();
    ledger.attach(projection);
    CHECK(ledger.status().events == 1);
    CHECK(ledger.balance("a-1"));
    CHECK(ledger.model->model().wait_for(*ledger.store->position(), 0ms).reached());
}

TEST_CASE("inline attach: rows of two names stand beside each other", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    auto second = InlineProjection::attach(*ledger.store, of_another("balances.v1").build());
    REQUIRE(second);
    REQUIRE(ledger.append("a-1", opened("ann")));
    CHECK(ledger.balance("a-1")->owner == "ann");
    CHECK(View<Balance>((*second)->model()).get("a-1").value()->owner == "another");
    CHECK((*second)->model().name() == "balances.v1");
}

TEST_CASE("inline attach: rows of a name that is given up are removed, no others", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    std::vector<std::unique_ptr<InlineProjection>> others;
    for (const char* name : {"balances.v1", "balances.v1.rows", "balances2"}) {
        auto other = InlineProjection::attach(*ledger.store, of_another(name).build());
        REQUIRE(other);
        others.push_back(std::move(*other));
    }
    REQUIRE(ledger.append("a-1", opened("ann")));
    CHECK(InlineProjection::remove(*ledger.store, "balances").error().code == Errc::already_exists);
    ledger.model.reset();
    others.clear();
    const std::size_t own = databases_of(*ledger.store, "inline.balances2.");
    const std::size_t before = databases_of(*ledger.store, "inline.");
    for (const char* name : {"balances.", "balance", "balances.v"}) {
        CHECK(InlineProjection::remove(*ledger.store, name).error().code == Errc::not_found);
    }
    REQUIRE(InlineProjection::remove(*ledger.store, "balances"));
    CHECK(databases_of(*ledger.store, "inline.") == before - own);
    CHECK(InlineProjection::remove(*ledger.store, "balances").error().code == Errc::not_found);
    ledger.open();
    auto other = InlineProjection::attach(*ledger.store, of_another("balances.v1").build());
    REQUIRE(other);
    CHECK(View<Balance>((*other)->model()).get("a-1").value()->owner == "another");
    std::atomic<int> calls = 0;
    ledger.attach(counting(calls));
    CHECK(calls == 1);  // from nothing
    CHECK(ledger.is_recount());
}

TEST_CASE("inline attach: rows that cannot be read are removed, and built anew", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    ledger.model.reset();
    store::InlineHost& host = host_of(*ledger.store);
    REQUIRE(host.alone([&] {
        return host.write_alone([](store::lmdb::WriteTxn& txn) -> Result<void> {
            auto meta = txn.open("inline.balances.meta", store::lmdb::Keys::bytes);
            return meta ? txn.put(*meta, as_bytes("v1"), as_bytes("damaged")) : meta.error();
        });
    }));
    const auto refused = InlineProjection::attach(*ledger.store, balances().build());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::corrupt);
    CHECK_THAT(refused.error().message, Catch::Contains("InlineProjection::remove"));
    REQUIRE(InlineProjection::remove(*ledger.store, "balances"));
    ledger.attach();
    CHECK(ledger.is_recount());
}

TEST_CASE("inline attach: once at a time, under a name that can be one", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    CHECK(InlineProjection::attach(*ledger.store, balances(2).build()).error().code ==
          Errc::already_exists);
    ledger.model.reset();
    ledger.attach();
    AnyProjection nameless = balances().build();
    nameless.name.clear();
    CHECK(InlineProjection::attach(*ledger.store, nameless).error().code == Errc::invalid_argument);
    nameless.name = std::string("a\0b", 3);
    CHECK(InlineProjection::attach(*ledger.store, nameless).error().code == Errc::invalid_argument);
}

TEST_CASE("inline attach: a log elsewhere is refused", "[cqrs]") {
    World world(GENERATE(std::string("memory"), std::string("node")));
    const auto refused = InlineProjection::attach(world.store(), balances().build());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK_THAT(refused.error().message,
               Catch::Contains("inline projection balances") && Catch::Contains("in this process"));
    CHECK(InlineProjection::remove(world.store(), "balances").error().code ==
          Errc::invalid_argument);
}

TEST_CASE("inline attach: appends over the node of the log are asked as well", "[cqrs]") {
    Attended at;
    auto client = connect(at.client);
    REQUIRE(client);
    const auto receipt = (*client)->append(Append::one("a-1", opened("ann")));
    REQUIRE(receipt);
    CHECK(at.model->model().wait_for(receipt->position, 0ms).reached());
    const auto refused = (*client)->append(Append::one("a-1", withdrawn(13)));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::handler_failed);
    CHECK_THAT(refused.error().message, Catch::Contains("stream a-1 version 1: event Withdrawn"));
    CHECK((*client)->append(Append::one("a-1", deposited(5), Expected::exact(0))));
    CHECK(View<Balance>(at.model->model()).get("a-1").value()->cents == 5);
}

TEST_CASE("inline attach: its rows are served as those of any read model", "[cqrs]") {
    Attended at;
    HostedModels hosted(at.node->local());
    REQUIRE(hosted.add(at.model->model()));
    CHECK(hosted.add(at.model->model()).error().code == Errc::already_exists);
    auto served = serve_models(at.node->services(), hosted);
    REQUIRE(served);
    auto services = connect_services(at.client);
    REQUIRE(services);
    RemoteModels remote(**services);
    Follower follower;
    auto live = remote.live("balances", {}, follower);
    REQUIRE(live);
    REQUIRE(at.node->local().append(Append::one("a-1", opened("ann"))));
    const auto page = remote.query("balances", {});
    REQUIRE(page);
    CHECK(page->rows.size() == 1);
    CHECK(follower.wait([&] { return follower.states_seen() == 2; }));
    const auto info = remote.show("balances");
    REQUIRE(info);
    REQUIRE(info->versions.size() == 1);
    CHECK(info->versions[0].active);
    CHECK(info->versions[0].lag == 0);
    CHECK(remote.resume("balances"));
    CHECK(remote.promote("balances", 1, 0ms).error().code == Errc::unsupported_version);
    CHECK(remote.parked("balances", "").error().code == Errc::not_ready);
}

TEST_CASE("inline attach: a log with rows verifies, and a copy of it has none", "[cqrs]") {
    InlineLedger ledger;
    ledger.attach();
    REQUIRE(ledger.append("a-1", opened("ann")));
    ledger.model.reset();
    ledger.store.reset();
    const std::string log = ledger.directory.path("log");
    const auto verified = verify_directory(log);
    REQUIRE(verified);
    CHECK(verified->problem_count == 0);
    REQUIRE(backup_directory(log, ledger.directory.path("copy")));
    auto copy = open_store(ledger.directory.path("copy"));
    REQUIRE(copy);
    std::atomic<int> calls = 0;
    const auto model = InlineProjection::attach(**copy, counting(calls));
    REQUIRE(model);
    CHECK(calls == 1);
    CHECK(*View<Balance>((*model)->model()).get("a-1"));
}

TEST_CASE("inline attach: a disk that is full leaves rows and events alike", "[cqrs]") {
    InlineLedger ledger;
    ledger.open(std::size_t{4} << 20);
    ledger.attach();
    Result<Receipt> last = ledger.append("a-0", opened("ann"));
    REQUIRE(last);
    std::uint64_t written = 1;
    for (int i = 1; last; ++i) {
        NewEvent large = opened("bob");
        large.metadata = {{"pad", std::string(8000, 'x')}};
        last = ledger.append("a-" + std::to_string(i), large);
        written += last ? 1 : 0;
    }
    CHECK(last.error().code == Errc::outcome_unknown);
    CHECK(ledger.append("a-1", deposited(1)).error().code == Errc::store_failed);
    // What is committed still answers.
    CHECK(ledger.status().events == written);
    CHECK(ledger.balance("a-0"));
    ledger.open();
    CHECK(ledger.log_end() == written);
    std::atomic<int> calls = 0;
    ledger.attach(counting(calls));
    CHECK(calls == 0);
    CHECK(ledger.is_recount());
    CHECK(ledger.append("a-1", deposited(1)));
}

}  // namespace skald::cqrs
