// skald projection and skald query over a data directory.
#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "cli/commands/query_live.h"
#include "cli/model_session.h"
#include "cli/row_table.h"
#include "skald/cqrs/remote_models.h"
#include "skald/node.h"
#include "skald/store.h"
#include "tests/cli/harness.h"
#include "tests/cli/node_of_test.h"

namespace skald::cli {
namespace {

using nlohmann::json;

// A data directory, or a node at work on one, as `skald serve` has it.
struct Desk {
    explicit Desk(bool with_node = false) {
        harness.backends.open = open_store;
        harness.backends.connect_services = connect_services;
        if (with_node) {
            start_node();
        }
        happens("ann", 5);
        happens("bob", 7);
        happens("ann", 1);
    }
    void start_node() {
        node = cli::start_node(directory);
        auto opened =
            cqrs::DeclaredModels::open(node->local(), projections_directory(directory.path("d")));
        REQUIRE(opened);
        models = std::move(*opened);
        auto begun = cqrs::serve_models(node->services(), *models, {.declarations = true});
        REQUIRE(begun);
        served = std::move(*begun);
    }
    // A directory's are brought there by the command itself.
    void catch_up() {
        const auto infos = models->list();
        REQUIRE(infos);
        for (const cqrs::ModelInfo& info : *infos) {
            for (const cqrs::ModelVersionInfo& version : info.versions) {
                const auto go_on = [](auto, auto) { return true; };
                REQUIRE(models->catch_up(info.name, version.version, go_on));
            }
        }
    }
    void happens(const std::string& who, int cents) {
        const json data = {{"who", who}, {"cents", cents}};
        if (node) {
            NewEvent event;
            event.type = "T";
            event.data = data.dump();
            REQUIRE(node->local().append(Append::one("s-1", std::move(event))));
            catch_up();
            return;
        }
        REQUIRE(harness
                    .run({"pub", "s-1", "--type", "T", "--data", data.dump(), "--dir",
                          directory.path("d")})
                    .status == 0);
    }
    std::string file(const std::string& by, const std::string& extra = {}) {
        const std::string path = directory.path("sums.toml");
        std::ofstream(path) << "name = 'sums'\nkey = 'who'\n"
                            << extra
                            << "\n[columns]\nwho = 'text'\ncents = 'integer'\n[[index]]\ncolumns = "
                               "'cents'\n[[on]]\ntype = 'T'\nkey = 'data.who'\nadd = { cents = "
                            << by << " }\n";
        return path;
    }
    Ran run(std::vector<std::string> words) {
        if (node) {
            words.insert(words.end(), {"--server", node->endpoints().at(0)});
        } else {
            words.insert(words.end(), {"--data", directory.path("d")});
        }
        return harness.run(std::move(words));
    }

    Harness harness;
    TempDirectory directory;
    std::unique_ptr<Node> node;
    std::unique_ptr<cqrs::DeclaredModels> models;
    std::unique_ptr<cqrs::ServedModels> served;  // the last: it uses the others
};

}  // namespace

TEST_CASE("projection, query: created, asked by key, index and order, changed beside, promoted") {
    Desk desk(GENERATE(false, true));
    const Ran created = desk.run({"projection", "create", desk.file("'data.cents'")});
    INFO(created.err);
    REQUIRE(created.status == 0);
    CHECK(created.out.starts_with("sums  v1  active  running  lag 0  3 events"));
    CHECK(desk.run({"query", "sums"}).out ==
          "{\"who\":\"ann\",\"cents\":6}\n{\"who\":\"bob\",\"cents\":7}\n");
    desk.happens("eve", 2);
    CHECK(desk.run({"query", "sums", "eve"}).out == "{\"who\":\"eve\",\"cents\":2}\n");
    const Ran top = desk.run({"query", "sums", "--order", "cents", "--desc", "--limit", "1"});
    CHECK(top.out == "{\"who\":\"bob\",\"cents\":7}\n");
    const std::string cursor = top.err.substr(top.err.rfind(' ') + 1);
    CHECK(desk.run({"query", "sums", "--order", "cents", "--desc", "--after",
                    cursor.substr(0, cursor.size() - 1), "--limit", "1"})
              .out == "{\"who\":\"ann\",\"cents\":6}\n");
    CHECK(desk.run({"query", "sums", "--order", "cents", "--from", "3", "--to", "6"}).out ==
          "{\"who\":\"ann\",\"cents\":6}\n");
    CHECK(desk.run({"query", "sums", "--where", "cents=2"}).out ==
          "{\"who\":\"eve\",\"cents\":2}\n");

    CHECK(desk.run({"projection", "create", desk.file("1")}).status == 0);
    CHECK(desk.run({"query", "sums", "bob"}).out == "{\"who\":\"bob\",\"cents\":7}\n");
    CHECK(desk.run({"query", "sums", "bob", "--version", "2"}).out ==
          "{\"who\":\"bob\",\"cents\":1}\n");
    CHECK(desk.run({"projection", "promote", "sums"}).out == "sums: version 2 is active\n");
    CHECK(desk.run({"query", "sums", "bob"}).out == "{\"who\":\"bob\",\"cents\":1}\n");
    CHECK(desk.run({"projection", "promote", "sums"}).status == 3);
    const json shown = json::parse(desk.run({"projection", "show", "sums", "--json"}).out);
    CHECK(shown["name"] == "sums");
    CHECK(shown["versions"].size() == 2);
    CHECK(shown["versions"][1]["active"] == true);
    CHECK(shown["versions"][1]["lag"] == 0);
    CHECK(shown["versions"][1]["events"] == 4);
    CHECK(shown["versions"][1]["reruns"] == 0);
    CHECK(desk.run({"projection", "delete", "sums"}).out == "sums: deleted\n");
    CHECK(desk.run({"projection", "ls"}).out.empty());
}

TEST_CASE("projection, query: what is wrong ends with its status and the known names") {
    Desk desk(GENERATE(false, true));
    const auto fails = [&](std::vector<std::string> words, int status) {
        const Ran ran = desk.run(std::move(words));
        CHECK(ran.status == status);
        CHECK(ran.out.empty());
        return ran.err;
    };
    CHECK_THAT(fails({"query", "sums"}, 3), Catch::Contains("there is none at all"));
    CHECK_THAT(fails({"projection", "create", desk.file("'dat.cents'")}, 2),
               Catch::Contains("sums.toml:12:17: `on.add.cents`: expected a path"));
    REQUIRE(desk.run({"projection", "create", desk.file("'data.cents'")}).status == 0);
    CHECK_THAT(fails({"query", "sum"}, 3), Catch::Contains("there are sums"));
    CHECK_THAT(fails({"query", "sums", "joe"}, 3), Catch::Contains("there is no row joe"));
    CHECK_THAT(fails({"query", "sums", "a", "b"}, 2), Catch::Contains("the key is who"));
    CHECK_THAT(fails({"query", "sums", "--where", "cent=1"}, 2),
               Catch::Contains("there are who, cents"));
    CHECK_THAT(fails({"query", "sums", "--where", "cents"}, 2), Catch::Contains("FIELD=VALUE"));
    CHECK_THAT(fails({"query", "sums", "--where", "cents=x"}, 2),
               Catch::Contains("expected an integer, found x"));
    CHECK_THAT(fails({"query", "sums", "--at-least", "x"}, 2), Catch::Contains("position"));
    const std::string nowhere = "ipc://" + desk.directory.path("nowhere");
    CHECK(desk.harness.run({"query", "sums", "--server", nowhere, "--timeout", "200ms"}).status ==
          5);
    CHECK_THAT(fails({"projection", "show", "none"}, 3), Catch::Contains("there are sums"));
}

namespace {

// Bob's row leaves the range, ann's comes into it.
void check_told(const std::string& out) {
    std::vector<json> lines;
    for (const std::string& line : lines_of(out)) {
        lines.push_back(json::parse(line));
    }
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["op"] == "snapshot");
    CHECK(lines[0]["row"] == json({{"who", "bob"}, {"cents", 7}}));
    CHECK(lines[0]["key"] == json({{"who", "bob"}}));
    CHECK(lines[0]["version"] == 1);
    CHECK(lines[1]["op"] == "put");
    CHECK(lines[1]["row"] == json({{"who", "ann"}, {"cents", 16}}));
    CHECK(lines[2]["op"] == "removed");
    CHECK(lines[2]["key"] == json({{"who", "bob"}}));
    CHECK_FALSE(lines[2].contains("row"));
    CHECK(lines[2]["position"] != lines[0]["position"]);
    CHECK(parse_position(lines[2]["position"].get<std::string>()));
}

}  // namespace

TEST_CASE("query --live: rows as they are stored, then what the log changes") {
    Desk desk;
    REQUIRE(desk.run({"projection", "create", desk.file("'data.cents'")}).status == 0);
    desk.happens("ann", 10);  // comes into the range
    desk.happens("bob", -7);  // leaves it
    const std::vector<std::string> words = {"query", "sums",   "--order", "cents", "--from",
                                            "7",     "--live", "--count", "2"};
    const auto with = [&](const std::string& word) {
        auto all = words;
        all.push_back(word);
        return all;
    };
    const Ran ran = desk.run(with("--json"));
    INFO(ran.err);
    REQUIRE(ran.status == 0);
    check_told(ran.out);

    desk.happens("bob", 8);
    desk.happens("ann", -16);
    CHECK(desk.run(with("--output=text")).out ==
          "who  cents\nann  16\nremoved  {\"who\":\"ann\"}\n"
          "put      {\"who\":\"bob\",\"cents\":8}\n");
    CHECK(desk.run(with("--limit=3")).status == 2);
    CHECK(desk.run({"query", "sums", "--count", "3"}).status == 2);
}

TEST_CASE("query --live: what is refused") {
    Desk desk(GENERATE(false, true));
    REQUIRE(desk.run({"projection", "create", desk.file("'data.cents'")}).status == 0);
    const Ran ran = desk.run({"query", "sums", "--live", "--order", "cent"});
    CHECK(ran.status == 2);
    CHECK_THAT(ran.err, Catch::Contains("there are who, cents"));
    CHECK(desk.run({"query", "sum", "--live"}).status == 3);
}

namespace {

// What is done when something is on it for the first time.
class Screen final : public std::stringbuf {
  public:
    explicit Screen(std::function<void()> seen) : seen_(std::move(seen)) {}

  private:
    int sync() override {
        if (seen_) {
            std::exchange(seen_, nullptr)();
        }
        return 0;
    }
    std::function<void()> seen_;
};

// The live query as JSON. `seen` gets the signal that stops it.
Result<std::string> follow(Desk& desk, const LiveWords& words,
                           const std::function<void(const StopSignal&)>& seen) {
    MemorySource in("");
    const StopSignal stop = StopSignal::create().value();
    Screen screen([&] { seen(stop); });
    std::ostream out(&screen);
    std::ostringstream err;
    Console console{.in = in,
                    .out = out,
                    .err = err,
                    .environment = {},
                    .clock = desk.harness.clock,
                    .stop = stop};
    Globals globals;
    globals.json = true;
    StoreChoice choice;
    if (desk.node) {
        globals.servers = desk.node->endpoints();
    } else {
        choice.directory = desk.directory.path("d");
    }
    const Invocation invocation{console, globals, desk.harness.backends};
    auto session = ModelSession::open(invocation, choice);
    REQUIRE(session);
    auto ok = follow_rows(*session, words, invocation);
    return ok ? Result<std::string>(screen.str()) : ok.error();
}

}  // namespace

TEST_CASE("query --live: over a node the same lines, as it happens") {
    Desk desk(true);
    REQUIRE(desk.run({"projection", "create", desk.file("'data.cents'")}).status == 0);
    desk.catch_up();
    cqrs::RowQuery query;
    query.order = "cents";
    query.from = cqrs::RowQuery::Bound{std::string("7"), true};
    const auto told = follow(desk, {"sums", query, 2}, [&](const StopSignal&) {
        desk.happens("ann", 10);
        desk.happens("bob", -7);
    });
    REQUIRE(told);
    check_told(*told);
    // A model that goes ends it.
    const auto ended = follow(desk, {"sums", {}, {}}, [&](const StopSignal&) {
        CHECK(desk.run({"projection", "delete", "sums"}).status == 0);
    });
    REQUIRE_FALSE(ended);
    CHECK(ended.error().code == Errc::shutting_down);
}

TEST_CASE("query --live: a stop ends it with 0") {
    Desk desk(GENERATE(false, true));
    REQUIRE(desk.run({"projection", "create", desk.file("'data.cents'")}).status == 0);
    if (desk.node) {
        desk.catch_up();
    }
    const auto told = follow(desk, {"sums", {.key = {"bob"}}, {}},
                             [](const StopSignal& stop) { stop.request(); });
    REQUIRE(told);
    const json line = json::parse(*told);
    CHECK(line["op"] == "snapshot");
    CHECK(line["row"]["cents"] == 7);
}

TEST_CASE("projection: paused, resumed, stopped by an event, parked and replayed") {
    Desk desk;
    REQUIRE(desk.run({"projection", "create", desk.file("'data.cents'")}).status == 0);
    CHECK(desk.run({"projection", "pause", "sums"}).status == 0);
    desk.happens("ann", 10);
    CHECK(desk.run({"query", "sums", "ann"}).out == "{\"who\":\"ann\",\"cents\":6}\n");
    CHECK_THAT(desk.run({"projection", "ls"}).out,
               Catch::StartsWith("sums  paused  v1  active  idle  lag 1"));
    CHECK(desk.run({"projection", "resume", "sums"}).status == 0);
    CHECK(desk.run({"query", "sums", "ann"}).out == "{\"who\":\"ann\",\"cents\":16}\n");
    REQUIRE(desk.harness
                .run({"pub", "s-2", "--type", "T", "--data", R"({"who":"ann","cents":"ten"})",
                      "--dir", desk.directory.path("d")})
                .status == 0);
    const Ran stopped = desk.run({"query", "sums"});
    CHECK(stopped.status == 5);
    CHECK_THAT(stopped.err, Catch::Contains("stream s-2 version 0") &&
                                Catch::Contains("column cents from data.cents"));
    REQUIRE(
        desk.run({"projection", "create", desk.file("'data.cents'", "poison = 'park'")}).status ==
        0);
    CHECK(desk.run({"query", "sums"}).status == 5);
    REQUIRE(desk.run({"projection", "promote", "sums"}).status == 0);
    CHECK(desk.run({"query", "sums", "ann"}).out == "{\"who\":\"ann\",\"cents\":16}\n");
    const json parked = json::parse(desk.run({"projection", "parked", "sums", "--json"}).out);
    CHECK(parked["key"] == "ann");
    CHECK(parked["stream"] == "s-2");
    REQUIRE(desk.harness
                .run({"pub", "s-3", "--type", "T", "--data", R"({"who":"\u001b[2J","cents":"x"})",
                      "--dir", desk.directory.path("d")})
                .status == 0);
    const std::string listed = desk.run({"projection", "parked", "sums"}).out;
    CHECK_THAT(listed,
               Catch::Contains(R"("\u001b[2J"  s-3 version 0  T)") && !Catch::Contains("\x1b"));
    CHECK_THAT(desk.run({"projection", "show", "sums"}).out, !Catch::Contains("\x1b"));
    const Ran replayed = desk.run({"projection", "parked", "sums", "--key", "ann", "--replay"});
    CHECK(replayed.status == 1);
    CHECK_THAT(replayed.err, Catch::Contains("expected an integer, found \"ten\""));
}

TEST_CASE("rows as a table: the first row's names, strings bare, null as nothing") {
    CHECK(row_table({R"({"a":"ä\"x","n":1,"l":[1,2]})", R"({"a":null,"n":12345,"l":null})"}) ==
          std::vector<std::string>{"a    n      l", "ä\"x  1      [1,2]", "     12345"});
    CHECK(row_table({}).empty());
    CHECK(row_table({R"({"a":"\u001b[2Jx\ny"})"}) == std::vector<std::string>{"a", " [2Jx y"});
}

}  // namespace skald::cli
