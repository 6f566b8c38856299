#include "skald/cqrs/read_model.h"

#include <set>
#include <thread>

#include "cqrs/model_core.h"
#include "tests/cqrs/balances.h"

namespace skald::cqrs {
namespace {

// Ten accounts of two owners, with 0, 10, ... 90 cents.
struct Filled : Ledgers {
    Filled() {
        for (int i = 0; i < 10; ++i) {
            const std::string id = "a-" + std::to_string(i);
            open(id, i % 2 == 0 ? "ann" : "bob");
            deposit(id, i * 10, i == 3 ? "three" : "");
        }
        projector = start();
        REQUIRE(up_to_date(*projector));
    }
    std::vector<std::int64_t> cents(const Find<Balance>& find) {
        auto page = find.page();
        INFO((page ? "" : page.error().message));
        REQUIRE(page);
        std::vector<std::int64_t> cents;
        for (const Balance& row : page->rows) {
            cents.push_back(row.cents);
        }
        return cents;
    }
    std::string refusal(const RowQuery& query, Errc code = Errc::invalid_argument) {
        auto page = model->query(query);
        REQUIRE_FALSE(page);
        CHECK(page.error().code == code);
        return page.error().message;
    }
    View<Balance> view() { return View<Balance>(*model); }
    std::unique_ptr<Projector> projector;
};

using Cents = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("read model: queries by key, index, unique index, range and order", "[cqrs]") {
    Filled filled;
    CHECK(filled.view().get("a-3")->value().note == "three");
    CHECK_FALSE(*filled.view().get("a-33"));
    CHECK(filled.cents(filled.view().where(&Balance::owner, "bob")) == Cents{10, 30, 50, 70, 90});
    CHECK(filled.cents(filled.view().where(&Balance::owner, "bob").descending()) ==
          Cents{90, 70, 50, 30, 10});
    CHECK(filled.cents(filled.view().where(&Balance::note, "three")) == Cents{30});
    CHECK(filled.cents(filled.view().all().limit(2)) == Cents{0, 10});
    CHECK(filled.cents(filled.view().all().order_by(&Balance::cents).descending().limit(2)) ==
          Cents{90, 80});
    CHECK(filled.cents(filled.view().all().from(&Balance::cents, 20).below(&Balance::cents, 40)) ==
          Cents{20, 30});
    CHECK(filled.cents(filled.view()
                           .where(&Balance::owner, "ann")
                           .from(&Balance::cents, 1)
                           .to(&Balance::cents, 40)
                           .descending()) == Cents{40, 20});
    CHECK(filled.cents(filled.view().where(&Balance::owner, "nobody")).empty());
}

TEST_CASE("read model: rows as JSON, with values as text", "[cqrs]") {
    Filled filled;
    auto page = filled.model->query({.where = {{"owner", "ann"}, {"cents", "20"}}});
    REQUIRE(page);
    CHECK(page->rows ==
          std::vector<std::string>{
              R"({"account":"a-2","owner":"ann","cents":20,"changes":1,"note":null})"});
    CHECK(page->version == 1);
    CHECK(compare(*page->position, filled.end()) == Order::equal);
}

TEST_CASE("read model: pages follow one another while rows come and go", "[cqrs]") {
    Filled filled;
    const bool descending = GENERATE(false, true);
    RowQuery query;
    query.order = "cents";
    query.limit = 3;
    query.descending = descending;
    std::vector<std::string> seen;
    std::size_t pages = 0;
    do {
        auto page = filled.model->query(query);
        REQUIRE(page);
        seen.insert(seen.end(), page->rows.begin(), page->rows.end());
        query.after = page->next;
        // Behind the cursor and before it: neither is given twice, nor does it move the rest.
        const std::string id = "b-" + std::to_string(pages++);
        filled.open(id, "eve");
        filled.deposit(id, descending ? 1000 : -1000);
        REQUIRE(filled.up_to_date(*filled.projector));
    } while (!query.after.empty());
    CHECK(seen.size() == 10);
    CHECK(pages == 4);
    CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == 10);
    query.after = "zz";
    CHECK_THAT(filled.refusal(query), Catch::Contains("not a cursor"));
    RowQuery first;
    first.limit = 1;
    first.after = filled.model->query(first)->next;
    first.order = "cents";
    CHECK_THAT(filled.refusal(first), Catch::Contains("of another query"));
}

TEST_CASE("read model: what is not there is named with what is", "[cqrs]") {
    Filled filled;
    CHECK_THAT(filled.refusal({.where = {{"colour", "red"}}}),
               Catch::Contains("no field colour; there are account, owner, cents, changes, note"));
    CHECK_THAT(filled.refusal({.where = {{"changes", "1"}}}),
               Catch::Contains("no index for changes; there are account (the key); owner,cents; "
                               "cents; note (unique)"));
    CHECK_THAT(filled.refusal({.where = {{"owner", "ann"}}, .order = "changes"}),
               Catch::Contains("no index for owner ordered by changes"));
    CHECK_THAT(filled.refusal({.where = {{"cents", "many"}}}),
               Catch::Contains("field cents: expected an integer, found many"));
    CHECK_THAT(filled.refusal({.where = {{"cents", key_of("many")}}}),
               Catch::Contains("field cents: expected an integer"));
    CHECK_THAT(filled.refusal({.limit = 0}), Catch::Contains("limit 0: 1 to 10000"));
    CHECK_THAT(filled.refusal({.version = 7}, Errc::not_found), Catch::Contains("no version 7"));
    CHECK(filled.view().get(5).error().code == Errc::invalid_argument);
    Ledgers empty;
    CHECK(empty.model->query({}).error().code == Errc::not_found);
    CHECK(empty.model->wait_for({}, 0ms).state == Freshness::State::stopped);
}

TEST_CASE("read model: a write is seen by a query that names its position", "[cqrs]") {
    Ledgers ledgers(GENERATE(every_store()));
    auto projector = ledgers.start();
    ledgers.open("a-1", "ann");
    int old = 0;
    for (std::int64_t i = 1; i <= 1000; ++i) {
        NewEvent event;
        event.type = "Deposited";
        event.data = R"({"cents":1})";
        auto receipt = ledgers.world.store().append(Append::one("a-1", event));
        REQUIRE(receipt);
        auto page = View<Balance>(*ledgers.model)
                        .where(&Balance::account, "a-1")
                        .at_least(receipt->position, 60s)
                        .page();
        REQUIRE(page);
        old += page->rows.at(0).cents == i ? 0 : 1;
    }
    CHECK(old == 0);
}

TEST_CASE("read model: a query by key is answered at once, unless it would have to wait",
          "[cqrs]") {
    Filled filled;
    const ReadModel& model = *filled.model;
    const auto at_once = model.try_query({.key = {"a-3"}, .at_least = filled.end()});
    REQUIRE(at_once);
    const auto page = model.query({.key = {"a-3"}});
    REQUIRE(page);
    CHECK(at_once->rows == page->rows);
    CHECK(*at_once->position == *page->position);
    CHECK(at_once->rows.size() == 1);
    CHECK(model.try_query({.key = {"nobody"}})->rows.empty());

    CHECK_FALSE(model.try_query({}));
    CHECK_FALSE(model.try_query({.key = {"a-3", "more"}}));
    CHECK_FALSE(model.try_query({.key = {"a-3"}, .version = 7}));
    CHECK_FALSE(model.try_query({.key = {"a-3"}, .after = "nowhere"}));
    Position ahead = filled.end();
    ahead.partitions.at(0).next = ahead.partitions.at(0).next + 1;
    CHECK_FALSE(model.try_query({.key = {"a-3"}, .at_least = ahead, .wait = 60s}));
}

TEST_CASE("read model: nothing is answered at once while a version is begun", "[cqrs]") {
    TempDirectory directory;
    auto env = store::lmdb::Env::open(directory.path(), {});
    REQUIRE(env);
    std::unique_ptr<ModelCore> core;
    std::vector<bool> answered;
    const auto write = [&](const ModelHome::Change& change) -> Result<void> {
        if (core) {
            // Of another thread: it is this one that holds it up.
            std::thread([&] { answered.push_back(core->try_view(1).has_value()); }).join();
        }
        auto txn = (*env)->write();
        auto ok = change(*txn);
        return ok ? std::move(*txn).commit() : ok;
    };
    auto opened = ModelCore::within({**env, "", write}, SystemClock::instance());
    REQUIRE(opened);
    core = std::move(*opened);
    REQUIRE(core->open_version("balances", 1, rows<Balance>().key(&Balance::account).schema(), {}));
    CHECK(answered == std::vector<bool>{false});
    CHECK(core->try_view(1).has_value());
}

TEST_CASE("read model: why a position is not reached", "[cqrs]") {
    Ledgers ledgers;
    ledgers.open("a-1", "ann");
    auto projector = ledgers.start();
    REQUIRE(ledgers.up_to_date(*projector));
    SECTION("it lags") {
        Position ahead = ledgers.end();
        ahead.partitions.at(0).next = ahead.partitions.at(0).next + 5;
        const Freshness freshness = ledgers.model->wait_for(ahead, 0ms);
        CHECK(freshness.state == Freshness::State::lagging);
        CHECK(freshness.left == 5);
        CHECK_THAT(freshness.error.message, Catch::Contains("5 events left"));
        CHECK(ledgers.model->query({.at_least = ahead}).error().code == Errc::timed_out);
    }
    SECTION("it is of another log") {
        Ledgers other;
        other.open("b-1", "bob");
        const Freshness freshness = ledgers.model->wait_for(other.end(), 60s);
        CHECK(freshness.state == Freshness::State::wrong_lineage);
        CHECK(ledgers.model->query({.at_least = other.end(), .wait = 60s}).error().code ==
              Errc::wrong_lineage);
    }
    SECTION("nobody projects") {
        projector.reset();
        ledgers.open("a-2", "ann");
        CHECK(ledgers.model->wait_for(ledgers.end(), 60s).state == Freshness::State::stopped);
    }
    SECTION("several at once") {
        Ledgers idle;
        CHECK(wait_for_all({ledgers.model.get()}, ledgers.end(), 60s).reached());
        CHECK(wait_for_all({ledgers.model.get(), idle.model.get()}, ledgers.end(), 60s).state ==
              Freshness::State::stopped);
    }
}

}  // namespace skald::cqrs
