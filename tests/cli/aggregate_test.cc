// skald aggregate show, over a data directory.
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "skald/store.h"
#include "tests/cli/harness.h"

namespace skald::cli {
namespace {

using nlohmann::json;

struct Orders {
    Orders() {
        harness.backends.open = open_store;
        for (const char* event : {R"({"stream":"order-1","type":"Placed","data":{"cents":5}})",
                                  R"({"stream":"order-1","type":"Placed","data":{"cents":7}})",
                                  R"({"stream":"order-1","type":"Noted","data":{}})",
                                  R"({"stream":"other-1","type":"Placed","data":{"cents":1}})"}) {
            input += std::string(event) + "\n";
        }
        REQUIRE(harness.run({"import", "-q", "-", "--data", data()}, input).status == 0);
    }
    std::string data() const { return directory.path("d"); }
    std::string declare(const std::string& name) {
        const std::string path = directory.path(name + ".toml");
        std::ofstream(path) << "name = '" << name
                            << "'\nkey = 'id'\n[from]\ncategory = 'order'\n[columns]\nid = 'text'\n"
                               "cents = 'integer'\n[[on]]\ntype = 'Placed'\nkey = 'stream.id'\n"
                               "add = { cents = 'data.cents' }\n";
        return path;
    }
    void create(const std::string& name) {
        REQUIRE(harness.run({"projection", "create", declare(name), "--data", data()}).status == 0);
    }
    Ran show(std::vector<std::string> words) {
        words.insert(words.begin(), {"aggregate", "show"});
        words.insert(words.end(), {"--data", data()});
        return harness.run(std::move(words));
    }
    std::int64_t cents(std::vector<std::string> words) {
        const Ran ran = show(std::move(words));
        INFO(ran.err);
        REQUIRE(ran.status == 0);
        return json::parse(ran.out)["rows"].at(0)["cents"];
    }

    Harness harness;
    TempDirectory directory;
    std::string input;
};

}  // namespace

TEST_CASE("aggregate show: a stream at versions and times, by a declaration or a projection") {
    Orders orders;
    const std::string file = orders.declare("sums");
    CHECK(orders.cents({"order-1", "--file", file}) == 12);
    CHECK(orders.cents({"order-1", "--file", file, "--at", "0"}) == 5);
    CHECK(orders.cents({"order-1", "--file", file, "--at", "@2100-01-01T00:00:00Z"}) == 12);
    CHECK(orders.show({"order-1", "--file", file, "--at", "@2000-01-01T00:00:00Z"}).out ==
          "{\"stream\":\"order-1\",\"version\":null,\"events\":0,\"rows\":[]}\n");
    CHECK(orders.show({"order-1", "--file", file, "--at", "1"}).out ==
          "{\"stream\":\"order-1\",\"version\":1,\"events\":2,\"rows\":[{\"id\":\"1\",\"cents\":"
          "12}]}\n");
    CHECK(orders.show({"order-1", "--file", file, "--output", "text"}).out ==
          "order-1  version 1  2 events\nid  cents\n1   12\n");
    // One that is declared from the stream's category needs no name.
    orders.create("sums");
    CHECK(orders.cents({"order-1", "--at", "0"}) == 5);
    CHECK(orders.cents({"other-1", "--by", "sums"}) == 1);
    orders.create("more");
    CHECK(orders.show({"order-1"}).status == 2);
    CHECK_THAT(orders.show({"order-1"}).err, Catch::Contains("name one with --by: more, sums"));
    orders.create("order");  // or is called like it
    CHECK(orders.cents({"order-1"}) == 12);
}

TEST_CASE("aggregate show: what is wrong ends with its status") {
    Orders orders;
    const std::string file = orders.declare("sums");
    CHECK(orders.show({"order-1"}).status == 3);
    CHECK_THAT(orders.show({"order-1"}).err,
               Catch::Contains("no projection is declared from category order"));
    CHECK(orders.show({"order-9", "--file", file}).status == 3);
    CHECK(orders.show({"order-1", "--file", file, "--at", "99"}).status == 3);
    CHECK(orders.show({"order-1", "--file", orders.directory.path("none")}).status == 3);
    CHECK(orders.show({"order-1", "--file", file, "--by", "sums"}).status == 2);
    CHECK(orders.show({"order-1", "--file", file, "--at", "soon"}).status == 2);
    CHECK(orders.show({"order-1", "--file", file, "--at", "@soon"}).status == 2);
    orders.create("sums");
    CHECK(orders.show({"order-1", "--by", "nothing"}).status == 3);
    CHECK_THAT(orders.show({"order-1", "--by", "nothing"}).err, Catch::Contains("there are sums"));
}

}  // namespace skald::cli
