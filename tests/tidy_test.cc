// The repository against its own rules, and each rule against a sample that breaks it.
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/tidy/rules.h"
#include "tests/tidy/tree.h"

namespace skald::tidy {
namespace {

std::string repeated(const std::string& text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

// Trees that break a rule, and trees as near to them that do not.
struct Samples {
    std::vector<Tree> bad;
    std::vector<Tree> good;
};

Tree one(const std::string& path, const std::string& text) {
    return {SourceFile(path, text)};
}

std::map<std::string, Samples> ban_samples() {
    return {
        {"raw lmdb",
         {{one("store/log.cc", "int r = mdb_txn_begin(e, 0, 0, &t);\n"),
           one("tests/store/log_test.cc", "f(MDB_APPEND);\n")},
          {one("store/lmdb/env.cc", "mdb_env_create(&env);\n"),
           one("store/log.cc", "// as mdb_put does\nauto s = \"mdb_put\"; f(lmdb_env);\n")}}},
        {"clock",
         {{one("store/log.cc", "auto t = std::chrono::steady_clock::now();\n"),
           one("tests/store/log_test.cc", "auto t = Wall::now();\n")},
          {one("base/clock.cc", "return std::chrono::system_clock::now();\n"),
           one("store/log.cc", "auto t = clock.now();\n")}}},
        {"sleep in a test",
         {{one("tests/a_test.cc", "std::this_thread::sleep_for(1s);\n"),
           one("tests/a_test.cc", "std::this_thread::sleep_until(t);\n"),
           one("tests/a_test.cc", "usleep(5);\n"), one("tests/a_test.cc", "::sleep(5);\n"),
           one("tests/a_test.py", "time.sleep(5)\n")},
          {one("tests/a_test.cc", "std::string oversleep(int);\n"),
           one("bench/load.cc", "std::this_thread::sleep_for(1s);\n")}}},
        {"detach",
         {{one("broker/node.cc", "std::thread(f).detach();\n"),
           one("bench/load.cc", "worker->detach();\n")},
          {one("broker/node.cc", "worker.join();\n")}}},
        {"left open",
         {{one("docs/a.md",
               "TO"
               "DO: say more\n"),
           one("run",
               "# FIX"
               "ME\n"),
           one("base/a.cc",
               "// X"
               "XX\n")},
          {one("run",
               "mktemp -t skald.XXXX"
               "XX\n")}}},
    };
}

std::map<std::string, Samples> include_ban_samples() {
    return {
        {"zmq outside its adaptors",
         {{one("broker/node.cc", "#include <zmq.hpp>\n"),
           one("store/log.cc", "#include \"zmq.h\"\n"),
           one("cli/main.cc", "#  include <zmq_addon.hpp>\n")},
          {one("broker/transport/router.cc", "#include <zmq.hpp>\n"),
           one("broker/node.cc", "// #include <zmq.hpp>\n")}}},
        {"lmdb outside its adaptor",
         {{one("store/log.cc", "#include <lmdb.h>\n")},
          {one("store/lmdb/env.cc", "#include <lmdb.h>\n")}}},
        {"curl outside its place",
         {{one("coord/etcd_coord.cc", "#include <curl/curl.h>\n")},
          {one("coord/http_client.cc", "#include <curl/curl.h>\n")}}},
        {"generated code outside wire",
         {{one("broker/node.cc", "#include \"wire/envelope_generated.h\"\n")},
          {one("wire/envelope.cc", "#include \"wire/envelope_generated.h\"\n")}}},
        {"public header",
         {{one("include/skald/a.h", "#include <zmq.hpp>\n"),
           one("include/skald/a.h", "#include <lmdb.h>\n"),
           one("include/skald/a.h", "#include <boost/asio.hpp>\n"),
           one("include/skald/a.h", "#include <flatbuffers/flatbuffers.h>\n"),
           one("include/skald/a.h", "#include <x_generated.h>\n")},
          {one("include/skald/a.h", "#include <string>\n#include <skald/b.h>\n")}}},
    };
}

Tree with_build_file(const std::string& lists_path, const std::string& lists_text,
                     const std::string& source) {
    return {SourceFile(lists_path, lists_text), SourceFile(source, "int x;\n")};
}

std::map<std::string, Samples> rule_samples() {
    const std::string signature = "Result<int> f(int a,\n              int b) {\n";
    return {
        {"include direction",
         {{one("base/a.cc", "#include \"wire/b.h\"\n"),
           one("store/a.cc", "#include \"broker/b.h\"\n"),
           one("cqrs/a.cc", "#include <client/b.h>\n"), one("store/a.cc", "#include \"b.h\"\n"),
           one("include/skald/a.h", "#include \"base/b.h\"\n"),
           one("examples/e/main.cc", "#include \"store/log.h\"\n"),
           one("cli/a.cc", "#include \"sim/world.h\"\n")},
          {one("store/a.cc",
               "#include \"store/lmdb/b.h\"\n#include \"base/c.h\"\n#include <map>\n"),
           one("tests/store/a_test.cc", "#include \"sim/b.h\"\n#include \"tests/dir.h\"\n"),
           one("base/a.cc", "#include <skald/b.h>\n")}}},
        {"link direction",
         {{one("CMakeLists.txt", "skald_add_room(wire base store)\n"),
           one("CMakeLists.txt", "skald_add_room(common)\n")},
          {one("CMakeLists.txt", "skald_add_room(base)\nskald_add_room(store base wire)\n")}}},
        {"file length",
         {{one("base/a.cc", repeated("int x;\n", 401))}, {one("base/a.cc", repeated("\n", 400))}}},
        {"function length",
         {{one("base/a.cc", signature + repeated("    g();\n", 68) + "}\n"),
           one("base/a.cc", "A::A(int a)\n    : a_(a) {\n" + repeated("    g();\n", 80) + "}\n"),
           one("tests/a_test.cc", "TEST_CASE(\"a\") {\n" + repeated("    g();\n", 80) + "}\n")},
          {one("base/a.cc", signature + repeated("    g();\n", 67) + "}\n"),
           one("base/a.h", "class A {\n" + repeated("    void g();\n", 80) + "};\n"),
           one("base/a.h", "int f(int a);\nnamespace b {\n" + repeated("int x;\n", 80) + "}\n")}}},
        {"unbuilt source",
         {{with_build_file("base/CMakeLists.txt", "skald_room(base SOURCES b.cc)\n", "base/a.cc"),
           with_build_file("base/CMakeLists.txt", "# a.cc\n", "base/a.cc"),
           with_build_file("base/CMakeLists.txt", "x(a.cc)\n", "wire/a.cc"),
           with_build_file("base/CMakeLists.txt", "x(a.cc)\n", "base/sub/a.cc")},
          {with_build_file("base/CMakeLists.txt", "x(base SOURCES a.cc)\n", "base/a.cc"),
           with_build_file("base/CMakeLists.txt", "    sub/a.cc\n", "base/sub/a.cc"),
           with_build_file("cmake/X.cmake", "x(${PROJECT_SOURCE_DIR}/tests/a.cc)\n", "tests/a.cc"),
           with_build_file("bench/peers/Makefile", "all:\n", "bench/peers/a.cc")}}},
        {"line length",
         {{one("base/a.cc", repeated("x", 101) + "\n")},
          {one("base/a.cc", "// " + repeated("\xC3\xA9", 97) + "\n"),
           one("docs/a.md", repeated("x", 101) + "\n")}}},
        {"trailing space",
         {{one("docs/a.md", "text \n"), one("base/a.cc", "int x;\t\n"), one("run", "x\r\n")},
          {one("docs/a.md", "text\n\nmore")}}},
    };
}

// A rule, of any of the three kinds, seen from here.
struct Check {
    std::string name;
    std::function<Findings(const Tree&)> run;
    Samples samples;
};

std::vector<Check> all_checks() {
    std::vector<Check> checks;
    for (const Ban& ban : bans()) {
        checks.push_back({ban.name, [&ban](const Tree& tree) { return check_ban(ban, tree); },
                          ban_samples()[ban.name]});
    }
    for (const IncludeBan& ban : include_bans()) {
        checks.push_back({ban.name,
                          [&ban](const Tree& tree) { return check_include_ban(ban, tree); },
                          include_ban_samples()[ban.name]});
    }
    for (const Rule& rule : rules()) {
        checks.push_back({rule.name, rule.check, rule_samples()[rule.name]});
    }
    return checks;
}

}  // namespace

TEST_CASE("tidy: every rule fires on each sample that breaks it", "[tidy]") {
    for (const Check& check : all_checks()) {
        INFO("rule: " << check.name);
        REQUIRE_FALSE(check.samples.bad.empty());
        for (const Tree& tree : check.samples.bad) {
            INFO(tree.back().path << ": " << tree.back().lines.front());
            CHECK_FALSE(check.run(tree).empty());
        }
    }
}

TEST_CASE("tidy: no rule fires on its neighbours", "[tidy]") {
    for (const Check& check : all_checks()) {
        INFO("rule: " << check.name);
        REQUIRE_FALSE(check.samples.good.empty());
        for (const Tree& tree : check.samples.good) {
            INFO(tree.back().path << ": " << tree.back().lines.front());
            CHECK(check.run(tree).empty());
        }
    }
}

TEST_CASE("tidy: code is what remains without comments and literals", "[tidy]") {
    const SourceFile file("base/a.cc",
                          "int a = 1'000; // one\n/* two\n three */ int b;\n"
                          "f(\"x\\\"y\", 'z'); g(R\"q(r\n)\" s)q\");\n");
    const std::vector<std::string> expected{"int a = 1'000;       ", "      ", "          int b;",
                                            "f(\"    \", ' '); g(     ", "       );"};
    CHECK(file.code == expected);
}

TEST_CASE("tidy: the repository keeps its rules", "[tidy]") {
    const Tree tree = read_tree(SKALD_SOURCE_DIR);
    REQUIRE(tree.size() > 20);
    for (const Check& check : all_checks()) {
        for (const Finding& finding : check.run(tree)) {
            FAIL_CHECK(finding.path << ":" << finding.line << ": " << check.name << ": "
                                    << finding.what);
        }
    }
}

}  // namespace skald::tidy
