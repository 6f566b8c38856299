// Read models asked for over a node: what is declared there, and what applications host.
#include "skald/cqrs/remote_models.h"

#include <catch2/catch.hpp>

#include "skald/cqrs/declared_models.h"
#include "skald/cqrs/hosted_models.h"
#include "skald/cqrs/projection.h"
#include "skald/cqrs/remote_bus.h"
#include "skald/node.h"
#include "tests/cqrs/follower.h"
#include "tests/temp_directory.h"

namespace skald::cqrs {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

std::string counting(const std::string& name, int step = 1, const std::string& extra = {}) {
    return "name = '" + name + "'\nkey = ['id', 'kind']\n" + extra +
           "\n[columns]\nid = 'text'\nkind = 'text'\nn = 'integer'\ntext = 'text'\n[[index]]\n"
           "columns = 'n'\n[[on]]\ntype = 'T'\nkey = { id = 'data.id', kind = 'type' }\nadd = { n "
           "= " +
           std::to_string(step) + " }\nset = { text = 'data.text' }\n";
}

// A node, and whoever asks it.
class Station {
  public:
    Station() {
        NodeOptions options;
        options.data_dir = directory.path("data");
        options.map_bytes = std::size_t{1} << 30;
        options.listen = {"ipc://" + directory.path("node")};
        auto started = Node::start(options);
        REQUIRE(started);
        node = std::move(*started);
        services = connect();
        remote = std::make_unique<RemoteModels>(*services);
    }
    std::unique_ptr<Services> connect() const {
        ClientOptions options;
        options.servers = node->endpoints();
        auto connected = connect_services(options);
        REQUIRE(connected);
        return std::move(*connected);
    }
    Receipt happens(const std::string& id, const std::string& text = {}) {
        NewEvent event;
        event.type = "T";
        event.data = R"({"id":")" + id + R"(","text":")" + text + "\"}";
        auto receipt = node->local().append(Append::one("s-" + id, std::move(event)));
        REQUIRE(receipt);
        return *receipt;
    }

    TempDirectory directory;
    std::unique_ptr<Node> node;
    std::unique_ptr<Services> services;
    std::unique_ptr<RemoteModels> remote;
};

// As `skald serve` has them.
class Declaring : public Station {
  public:
    Declaring() {
        DeclaredModelsOptions options;
        options.model.map_bytes = std::size_t{1} << 28;
        auto opened = DeclaredModels::open(node->local(), directory.path("projections"), options);
        REQUIRE(opened);
        models = std::move(*opened);
        auto begun = serve_models(node->services(), *models, {.declarations = true});
        REQUIRE(begun);
        served = std::move(*begun);
    }
    void create(const std::string& text) {
        auto begun = remote->create("f.toml", text);
        INFO((begun ? "" : begun.error().message));
        REQUIRE(begun);
        REQUIRE(models->catch_up(begun->name, begun->version, [](auto, auto) { return true; }));
    }
    // The same from here and from afar.
    RowPage page(const std::string& name, const RowQuery& query) {
        const auto here = models->query(name, query);
        const auto there = remote->query(name, query);
        INFO((there ? "" : there.error().message));
        REQUIRE(here);
        REQUIRE(there);
        CHECK(there->rows == here->rows);
        CHECK(there->next == here->next);
        CHECK(there->version == here->version);
        CHECK(*there->position == *here->position);
        return *there;
    }
    void refused(const std::string& name, const RowQuery& query, Errc code) {
        const auto here = models->query(name, query);
        const auto there = remote->query(name, query);
        REQUIRE_FALSE(there);
        CHECK(there.error().code == code);
        CHECK(there.error().message == here.error().message);
    }
    Names names() {
        Names names;
        const auto infos = remote->list();
        REQUIRE(infos);
        for (const ModelInfo& info : *infos) {
            names.push_back(info.name);
        }
        return names;
    }

    std::unique_ptr<DeclaredModels> models;
    std::unique_ptr<ServedModels> served;
};

struct Total {
    std::string id;
    std::uint64_t n = 0;
    static auto describe() {
        return record<Total>("Total").field("id", &Total::id).field("n", &Total::n);
    }
};
struct T {
    std::string id;
    static auto describe() { return event<T>("T", 1).required("id", &T::id); }
};

AnyProjection totals() {
    Projection<Total> projection("totals", 1, rows<Total>().key(&Total::id));
    projection.on<T>([](Rows<Total>& rows, const T& happened) {
        rows.change_or({happened.id, 0}, [](Total& total) { ++total.n; });
    });
    return projection.build();
}

}  // namespace

TEST_CASE("remote models: queries give what they give at the models", "[cqrs]") {
    Declaring d;
    for (const char* id : {"a", "b", "a", "c", "a", "b"}) {
        d.happens(id, std::string(R"(the \"last\" \\ of )") + id);
    }
    d.create(counting("work"));
    CHECK(d.page("work", {}).rows.size() == 3);
    CHECK(d.page("work", {.key = {"a"}}).rows.size() == 1);
    CHECK(d.page("work", {.key = {"a", "T"}}).rows.size() == 1);
    CHECK(d.page("work", {.key = {"nobody"}}).rows.empty());
    CHECK(d.page("work", {.where = {{"n", key_of(3)}}}).rows.size() == 1);
    CHECK(d.page("work", {.where = {{"n", std::string("2")}}}).rows.size() == 1);
    const RowPage first = d.page("work", {.order = "n", .descending = true, .limit = 2});
    CHECK(first.rows[0].find(R"("n":3)") != std::string::npos);
    REQUIRE_FALSE(first.next.empty());
    CHECK(d.page("work", {.order = "n", .descending = true, .after = first.next}).rows.size() == 1);
    RowQuery range{.order = "n"};
    range.from = RowQuery::Bound{key_of(1), false};
    range.to = RowQuery::Bound{std::string("2")};
    CHECK(d.page("work", range).rows.size() == 1);

    d.refused("work", {.key = {"a", "T", "x"}}, Errc::invalid_argument);
    d.refused("work", {.where = {{"x", std::string("1")}}}, Errc::invalid_argument);
    d.refused("work", {.order = "text"}, Errc::invalid_argument);
    d.refused("work", {.limit = 0}, Errc::invalid_argument);
    d.refused("work", {.version = 7}, Errc::not_found);
    Position foreign = d.happens("a").position;
    foreign.partitions.at(0).lineage = Uuid{};
    d.refused("work", {.at_least = foreign}, Errc::wrong_lineage);
    d.refused("nothing", {}, Errc::not_found);
}

TEST_CASE("remote models: a stream is folded where its projection is declared", "[cqrs]") {
    Declaring d;
    d.happens("a", "first");
    d.happens("a", "second");
    d.create(counting("work"));
    const auto text = [&](const StreamAt& what) {
        const auto here = d.models->fold("work", what);
        const auto there = d.remote->fold("work", what);
        REQUIRE(here);
        REQUIRE(there);
        CHECK(there->rows == here->rows);
        CHECK(there->version == here->version);
        CHECK(there->events == here->events);
        return there->rows.empty() ? std::string() : there->rows.at(0);
    };
    CHECK(text({"s-a"}).find("\"n\":2,\"text\":\"second\"") != std::string::npos);
    CHECK(text({"s-a", Version{0}}).find("\"n\":1,\"text\":\"first\"") != std::string::npos);
    CHECK(text({"s-a", {}, Time{0}}).empty());
    CHECK(d.remote->fold("work", {"s-b"}).error() == d.models->fold("work", {"s-b"}).error());
    CHECK(d.remote->fold("work", {"s-b"}).error().code == Errc::stream_not_found);
    CHECK(d.remote->fold("nothing", {"s-a"}).error().code == Errc::not_found);
}

TEST_CASE("remote models: a write is seen by a query from afar that names its position", "[cqrs]") {
    Declaring d;
    d.create(counting("work"));
    for (int i = 1; i <= 200; ++i) {
        const Receipt receipt = d.happens("a");
        const auto page =
            d.remote->query("work", {.key = {"a", "T"}, .at_least = receipt.position, .wait = 60s});
        REQUIRE(page);
        REQUIRE(page->rows.size() == 1);
        REQUIRE(page->rows[0].find("\"n\":" + std::to_string(i) + ",") != std::string::npos);
    }
}

TEST_CASE("remote models: declared, changed, stopped and removed from afar", "[cqrs]") {
    Declaring d;
    CHECK(d.names().empty());
    CHECK(d.remote->show("work").error() ==
          Error(Errc::not_found, "there is no read model `work`; there is none at all"));
    CHECK(d.remote->create("f.toml", "name = ").error().code == Errc::invalid_argument);
    d.happens("a");
    d.create(counting("work"));
    d.create(counting("other"));
    CHECK(d.names() == Names{"other", "work"});
    CHECK(d.remote->show("wrk").error().message ==
          "there is no read model `wrk`; there are other, work");

    d.create(counting("work", 2));
    CHECK(d.remote->show("work")->versions.size() == 2);
    const auto promoted = d.remote->promote("work", 0, 60s);
    REQUIRE(promoted);
    CHECK(promoted->version == 2);
    CHECK(d.page("work", {}).rows[0].find("\"n\":2,") != std::string::npos);
    const auto rebuilt = d.remote->rebuild("work");
    REQUIRE(rebuilt);
    CHECK(rebuilt->version == 3);

    REQUIRE(d.remote->pause("work"));
    CHECK(d.remote->show("work")->paused);
    CHECK(d.remote->parked("work", "")->empty());
    CHECK(d.remote->replay_parked("work", "a").error().code == Errc::not_ready);
    REQUIRE(d.remote->resume("work"));
    CHECK_FALSE(d.remote->show("work")->paused);
    CHECK(d.remote->parked("work", "")->empty());
    CHECK(d.remote->replay_parked("work", "a").error().code == Errc::not_found);

    REQUIRE(d.remote->remove("work"));
    CHECK(d.names() == Names{"other"});
    CHECK(d.remote->query("work", {}).error().code == Errc::not_found);
    CHECK(d.remote->remove("work").error().code == Errc::not_found);
}

TEST_CASE("remote models: what is parked is told, and replayed in part", "[cqrs]") {
    Declaring d;
    d.create(counting("work", 1, "poison = 'park'\n"));
    NewEvent bad;
    bad.type = "T";
    bad.data = R"({"id":7})";
    REQUIRE(d.node->local().append(Append::one("s-a", std::move(bad))));
    const Receipt last = d.happens("a");
    REQUIRE(d.remote->query("work", {.at_least = last.position, .wait = 60s}));
    const auto parked = d.remote->parked("work", "");
    REQUIRE(parked);
    REQUIRE_FALSE(parked->empty());
    const std::string key = parked->at(0).key;
    CHECK_FALSE(parked->at(0).reason.empty());
    const auto here = d.models->replay_parked("work", key);
    const auto there = d.remote->replay_parked("work", key);
    REQUIRE(here);
    REQUIRE(there);
    CHECK(there->events == 0);
    REQUIRE(there->error);
    CHECK(*there->error == *here->error);
}

TEST_CASE("remote models: a model's service answers for that model only", "[cqrs]") {
    Declaring d;
    d.create(counting("work"));
    const auto removed = d.services->request(
        "model/work", R"({"name":"RemoveModel","schema_version":1,"data":"{}"})", 60s);
    REQUIRE_FALSE(removed);
    CHECK(removed.error().message.starts_with("nobody handles RemoveModel; known: "));
    CHECK(d.services->names("model/", 60s).value() == Names{"model/work"});
}

TEST_CASE("remote models: pages end where a reply would be too large", "[cqrs]") {
    Declaring d;
    std::string escaped;
    for (int i = 0; i < 300'000; ++i) {
        escaped += "\\\"";
    }
    for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
        d.happens(id, escaped);
    }
    d.create(counting("work"));
    std::size_t rows = 0;
    std::size_t pages = 0;
    RowQuery query;
    do {
        const auto page = d.remote->query("work", query);
        INFO((page ? "" : page.error().message));
        REQUIRE(page);
        REQUIRE_FALSE(page->rows.empty());
        rows += page->rows.size();
        ++pages;
        query.after = page->next;
    } while (!query.after.empty());
    CHECK(rows == 6);
    CHECK(pages > 1);
    CHECK(d.models->query("work", {})->rows.size() == 6);
}

TEST_CASE("remote models: an application's own are served by it", "[cqrs]") {
    Station s;
    ReadModelOptions options;
    options.map_bytes = std::size_t{1} << 28;
    auto model = ReadModel::open(s.directory.path("totals"), options);
    REQUIRE(model);
    HostedModels hosted(s.node->local());
    CHECK(hosted.add(**model, {}).error().code == Errc::invalid_argument);
    auto running = Projector::start(s.node->local(), **model, totals());
    REQUIRE(running);
    REQUIRE(hosted.add(**model, {running->get()}));
    CHECK(hosted.add(**model, {}).error().code == Errc::already_exists);
    const auto host = s.connect();  // another program
    auto served = serve_models(*host, hosted);
    REQUIRE(served);

    s.happens("a");
    const Receipt receipt = s.happens("a");
    const auto page = s.remote->query("totals", {.at_least = receipt.position, .wait = 60s});
    REQUIRE(page);
    CHECK(page->rows == Names{R"({"id":"a","n":2})"});
    const auto info = s.remote->show("totals");
    REQUIRE(info);
    REQUIRE(info->versions.size() == 1);
    CHECK(info->versions[0].active);
    CHECK(info->versions[0].events == 2);
    CHECK(s.remote->list()->size() == 1);
    CHECK(s.remote->parked("totals", "")->empty());
    CHECK(s.remote->resume("totals"));
    CHECK(s.remote->promote("totals", 1, 60s));
    // What its code decides.
    for (const Errc code :
         {s.remote->rebuild("totals").error().code, s.remote->pause("totals").error().code}) {
        CHECK(code == Errc::unsupported_version);
    }
    CHECK(s.remote->remove("totals").error().code == Errc::not_ready);
    CHECK(s.remote->create("f.toml", "").error().message.starts_with("the node declares no"));
    served->reset();
    auto after = s.remote->query("totals", {});
    while (!after && after.error().code == Errc::outcome_unknown) {  // the node hears of it soon
        after = s.remote->query("totals", {});
    }
    CHECK(after.error().code == Errc::not_found);
}

TEST_CASE("remote models: a live query ends with its model", "[cqrs]") {
    Declaring d;
    d.happens("a");
    d.create(counting("work"));
    Follower follower;
    const auto live = d.remote->live("work", {}, follower);
    REQUIRE(live);
    REQUIRE(follower.wait([&] { return follower.states_seen() == 1; }));
    const Receipt receipt = d.happens("a");
    REQUIRE(follower.wait([&] { return follower.states_seen() == 2; }));
    CHECK(follower.states().back().position == receipt.position);
    CHECK(d.services->names("model/", 60s).value() == Names{"model/work"});
    // Another version begins anew.
    d.create(counting("work", 2));
    REQUIRE(d.remote->promote("work", 0, 60s));
    REQUIRE(follower.wait_for_resyncs(1));
    CHECK(follower.resyncs() == std::vector<Resync>{Resync::other_version});
    CHECK(follower.states().back().version == 2);
    REQUIRE(d.remote->remove("work"));
    const auto reason = follower.wait_for_end();
    REQUIRE(reason);
    CHECK(reason->code == Errc::shutting_down);
    CHECK(follower.faults().empty());
    CHECK(d.remote->live("work", {}, follower).error().code == Errc::not_found);
}

TEST_CASE("remote models: what changed at the models is served after a refresh", "[cqrs]") {
    Declaring d;
    REQUIRE(d.models->create("f.toml", counting("one")));
    CHECK(d.names().empty());
    REQUIRE(d.served->refresh());
    CHECK(d.names() == Names{"one"});
    REQUIRE(d.models->remove("one"));
    REQUIRE(d.served->refresh());
    CHECK(d.names().empty());
}

}  // namespace skald::cqrs
