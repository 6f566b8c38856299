// Declarations that are wrong, and what is said about them.
#include <algorithm>
#include <fstream>

#include "tests/cqrs/declared_fixture.h"

namespace skald::cqrs {
namespace {

// Whole and right; each case puts something else in place of one of its lines.
const char* const kGood = R"(name = "work"
version = 3
poison = "park"
key = "id"
[from]
category = "permit"
[columns]
id = "text"
events = "integer"
last = "time"
tags = "json"
[[index]]
columns = ["events"]
[[on]]
type = "*"
key = "data.id"
when = { exists = "data.id" }
add = { events = 1 }
set = { last = "time" }
)";

std::string with_line(int number, const std::string& line) {
    std::string text = kGood;
    std::size_t begin = 0;
    for (int i = 1; i < number; ++i) {
        begin = text.find('\n', begin) + 1;
    }
    return text.replace(begin, text.find('\n', begin) - begin, line);
}

struct Wrong {
    int line;
    std::string text;
    std::string message;  // how it begins, behind the file's name
};

}  // namespace

TEST_CASE("declaration: a good one says what it means", "[cqrs]") {
    const auto parsed = parse_declaration("good.toml", kGood);
    REQUIRE(parsed);
    CHECK(parsed->version_given);
    CHECK(parsed->poison.policy == Poison::Policy::park);
    const AnyProjection& projection = parsed->projection;
    CHECK(projection.name == "work");
    CHECK(projection.version == 3);
    CHECK(projection.selection.kind == Selection::Kind::category);
    CHECK(projection.selection.name == "permit");
    CHECK(projection.selection.types.empty());
    CHECK(projection.rows.fields == std::vector<std::string>{"id", "events", "last", "tags"});
    CHECK(projection.rows.key.name() == "id");
    CHECK(projection.rows.indexes.at(0).name() == "events");
    CHECK(projection.lanes == 1);
}

TEST_CASE("declaration: it has 1 to 16 lanes", "[cqrs]") {
    const auto with = [](const std::string& lanes) {
        return parse_declaration("t.toml", with_line(2, "lanes = " + lanes));
    };
    CHECK(with("16")->projection.lanes == 16);
    const std::string wrong = GENERATE(values<std::string>({"0", "17"}));
    REQUIRE_FALSE(with(wrong));
    CHECK_THAT(with(wrong).error().message,
               Catch::Contains("2:9: `lanes` must be an integer from 1 to 16, found " + wrong));
}

TEST_CASE("declaration: events are selected by what the rules are for", "[cqrs]") {
    const auto types_of = [](const std::string& rule_type, const std::string& from) {
        const auto parsed =
            parse_declaration("t.toml", "name='m'\nkey='id'\ncolumns.id='text'\n" + from +
                                            "\n[[on]]\nkey='stream'\ntype=" + rule_type +
                                            "\n[[on]]\nkey='stream'\ntype='A'\n");
        REQUIRE(parsed);
        return parsed->projection.selection;
    };
    CHECK(types_of("'A'", "").kind == Selection::Kind::type);
    CHECK(types_of("'A'", "from.streams='s-*'").types == std::vector<std::string>{"A"});
    CHECK(types_of("['B*','A']", "").types == std::vector<std::string>{"A", "B*"});
    CHECK(types_of("'*'", "").types.empty());
    CHECK(types_of("'*'", "from.types=['C','D']").types == std::vector<std::string>{"C", "D"});
}

TEST_CASE("declaration: what is wrong is said with its place", "[cqrs]") {
    const Wrong wrong = GENERATE(values<Wrong>({
        {1, "nam = 'x'", "1:1: unknown key `nam`: did you mean `name`? known are name, version"},
        {1, "", "1:1: `name` is missing: expected 1 to 100 letters"},
        {1, "name = 'a/b'", "1:8: `name` must be 1 to 100 letters, digits, _ and -"},
        {1, "name = ", "1:8: "},
        {2, "version = 0", "2:11: `version` must be an integer from 1 up, found 0"},
        {2, "version = 'two'", "2:11: `version` must be an integer from 1 up, found the string"},
        {3, "poison = 'ignore'", "3:10: `poison` must be stop, retry or park, found the string"},
        {4, "key = 'ident'", "4:7: there is no column `ident`; there are id, events, last, tags"},
        {4, "key = 'tags'", "4:7: `key` cannot have the column `tags`: JSON has no order"},
        {4, "key = []", "4:7: `key` must be a string or a list of 1 to 8 strings, found a list"},
        {4, "", "1:1: `key` is missing: expected the columns that name a row"},
        {6, "categories = 'x'", "6:1: unknown key `from.categories`: did you mean `category`?"},
        {6, "category = 'permit-1'", "6:12: `from.category` must be a category: what the streams'"},
        {6, "category = '" + std::string(256, 'x') + "'", "6:12: `from.category` must be a"},
        {6, "streams = ['a-*', 'b-[']", "6:11: `from.streams` must be globs in which each [ has"},
        {6, "types = '" + std::string(256, 'x') + "'", "6:9: `from.types` must be at most 255 by"},
        {6, "streams = []", "6:11: `from.streams` must be a string or a list of 1 to 60 strings"},
        {8, "id = 'string'", "8:6: `columns.id` must be text, integer, natural, number, boolean"},
        {8, "'a b' = 'text'", "8:1: a column's name is letters"},
        {9, "events = { type = 'integer', initial = 'x' }",
         "9:40: `columns.events.initial` must be an integer, found the string"},
        {13, "columns = ['events', 'events']", "13:11: `index.columns` has `events` twice"},
        {13, "", "12:1: `index.columns` is missing"},
        {13, "columns = 'events'\nunique = 1", "14:10: `index.unique` must be true or false"},
        {15, "", "14:1: `on.type` is missing: expected a type of events, or globs"},
        {15, "type = '" + std::string(256, 'x') + "'", "15:8: `on.type` must be at most 255 bytes"},
        {15, "types = 'a'", "15:1: unknown key `on.types`: did you mean `type`?"},
        {16, "", "14:1: `on.key` is missing: expected where the row's key comes from"},
        {16, "key = 'dat.id'", "16:7: `on.key.id`: expected a path (data.NAME"},
        {16, "key = 'data.'", "16:7: `on.key.id`: expected a path"},
        {16, "key = 'row.last'", "16:7: `on.key.id` must be a path into the event"},
        {16, "key = 5", "16:7: `on.key.id` must be text, found 5"},
        {16, "key = { x = 'data.id' }", "16:9: unknown key `on.key.x`"},
        {16, "key = { id = { path = 'data.id', optional = true } }", "16:14: a key cannot"},
        {17, "when = { exist = 'data.id' }", "17:10: unknown key `on.when.exist`: did you mean"},
        {17, "when = { path = 'data.id' }", "17:8: expected exists, or missing, or path and"},
        {17, "when = 'data.id'", "17:8: `on.when` must be a table with exists, missing, or path"},
        {17, "when = { path = 'data.id', equals = 1979-05-27 }",
         "17:37: `on.when.equals` must be a value that JSON has"},
        {17, "when = { path = 'data.id', equals = [] }",
         "17:37: `on.when.equals` must be a value, or a list of at least one, found a list"},
        {18, "add = { event = 1 }",
         "18:9: there is no column `event`: did you mean `events`? there are id, events"},
        {18, "add = { tags = 1 }",
         "18:16: expected a column of integer, natural or number; `tags`"},
        {18, "append = { events = 1 }", "18:21: expected a column of json; `events` is an integer"},
        {18, "add = { events = 1.5 }", "18:18: `on.add.events` must be an integer, found 1.5"},
        {18, "add = { events = {} }", "18:18: `on.add.events` must be a path, a number, true"},
        {18, "add = { events = { value = 1, default = 2 } }",
         "18:18: `on.add.events` must be a path, a number"},
        {18, "add = { events = { path = 'data.n', optional = true, default = 2 } }",
         "18:64: `on.add.events` has both optional and default"},
        {18, "add = { events = { seconds = { from = 'time' } } }",
         "18:30: `on.add.events.seconds` must be a table with from and to"},
        {18, "add = { id = 'data.n' }", "18:14: the column `id` is of the key"},
        {19, "set = { events = 1 }", "18:18: the column `events` is changed twice"},
        {19, "set = { last = 'open' }", "19:16: `on.set.last`: expected a path"},
        {19, "set = { last = 'row.when' }", "19:16: there is no column `when`"},
        {19, "delete = true", "19:10: `on.delete` stands with no other action"},
        {19, "set = 'last'", "19:7: `on.set` must be a table of columns and their values"},
        {19, "clear = ['first']", "19:9: there is no column `first`"},
    }));
    const auto parsed = parse_declaration("w.toml", with_line(wrong.line, wrong.text));
    INFO(wrong.line << ": " << wrong.text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::invalid_argument);
    CHECK_THAT(parsed.error().message, Catch::StartsWith("w.toml:" + wrong.message));
}

TEST_CASE("declaration: limits", "[cqrs]") {
    std::string columns = "name='m'\nkey='c0'\n[columns]\n";
    for (int i = 0; i < 65; ++i) {
        columns += "c" + std::to_string(i) + "='text'\n";
    }
    std::string rules = "name='m'\nkey='id'\ncolumns.id='text'\n";
    for (int i = 0; i < 257; ++i) {
        rules += "[[on]]\ntype='T'\nkey='stream'\n";
    }
    const std::string deep = std::string(with_line(
        16, "key = 'data" + [] {
            std::string path;
            for (int i = 0; i < 17; ++i) {
                path += ".a";
            }
            return path + "'";
        }()));
    for (const auto& [text, message] : std::vector<std::pair<std::string, std::string>>{
             {columns, "m.toml:3:1: `columns` must be a table of 1 to 64 columns, found a table"},
             {rules, "m.toml:4:1: `on` must be tables: at most 256 of [[on]], found a list"},
             {deep, "m.toml:16:7: `on.key.id`: expected at most 16 names below data"},
             {"name='m'\nkey='id'\ncolumns.id='text'\non=[]",
              "m.toml:4:4: `on` must be [[on]] tabl"},
             {std::string((1 << 20) + 1, '#'), "m.toml: longer than 1048576 bytes"},
             {"name = '\xff'", "m.toml: not UTF-8"}}) {
        const auto parsed = parse_declaration("m.toml", text);
        REQUIRE_FALSE(parsed);
        CHECK_THAT(parsed.error().message, Catch::StartsWith(message));
    }
}

TEST_CASE("declaration: keys are dotted so far and no further", "[cqrs]") {
    const auto dotted = [](int dots, const std::string& part = "a") {
        std::string key = part;
        for (int i = 0; i < dots; ++i) {
            key += " ." + part;
        }
        return key;
    };
    for (const std::string& deep : std::vector<std::string>{
             dotted(200'000) + " = 1", "[" + dotted(17) + "]", "x = { " + dotted(17) + " = 1 }",
             "a='\"'; " + dotted(17, "\"=\"") + " = 1",
             "x = \"\"\"y\"\"\"\"\", " + dotted(17) + "=1"}) {
        const auto parsed = parse_declaration("m.toml", "# first\n" + deep);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == Errc::invalid_argument);
        CHECK_THAT(parsed.error().message,
                   Catch::StartsWith("m.toml:2:") && Catch::Contains("at most 16 dots"));
    }
    const std::string dots(40, '.');
    for (const std::string& fine : std::vector<std::string>{
             dotted(16) + " = 1",
             "x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 1.1, 1.2, 1.3, "
             "1.4, 1.5, 1.6, 1.7, 1.8, 1.9]",
             "x = '" + dots + "' # " + dots, "x = \"\"\"\n" + dots + "\n" + dots + "\"\"\""}) {
        const auto parsed = parse_declaration("m.toml", fine);
        REQUIRE_FALSE(parsed);
        CHECK_THAT(parsed.error().message, Catch::Contains("unknown key"));
    }
}

}  // namespace skald::cqrs
