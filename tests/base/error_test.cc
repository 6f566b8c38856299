#include "skald/error.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace skald {
namespace {

struct Row {
    int code = 0;
    std::string name;
};

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::stringstream in(line);
    for (std::string cell; std::getline(in, cell, '|');) {
        const auto begin = cell.find_first_not_of(' ');
        const auto end = cell.find_last_not_of(' ');
        cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
    }
    return cells;
}

// The table of docs/errors.md.
std::vector<Row> documented() {
    std::ifstream file(std::string(SKALD_SOURCE_DIR) + "/docs/errors.md");
    REQUIRE(file);
    std::vector<Row> rows;
    for (std::string line; std::getline(file, line);) {
        const auto cells = cells_of(line);
        if (cells.size() == 6 && !cells[1].empty() && std::isdigit(cells[1][0]) != 0) {
            rows.push_back({std::stoi(cells[1]), cells[2]});
        }
    }
    return rows;
}

TEST_CASE("error: the document lists every code under its name", "[base]") {
    const auto rows = documented();
    std::size_t named = 0;
    for (int code = 0; code < 1000; ++code) {
        named += name_of(static_cast<Errc>(code)) != "unknown" ? 1 : 0;
    }
    CHECK(rows.size() == named);
    for (const Row& row : rows) {
        CAPTURE(row.code);
        CHECK(name_of(static_cast<Errc>(row.code)) == row.name);
    }
}

TEST_CASE("error: a code's class is its hundreds digit, and decides the exit status", "[base]") {
    CHECK(class_of(Errc::event_too_large) == ErrorClass::usage);
    CHECK(exit_status_of(Errc::event_too_large) == 2);
    CHECK(exit_status_of(Errc::forbidden) == 1);
    CHECK(exit_status_of(Errc::stream_not_found) == 3);
    CHECK(exit_status_of(Errc::fenced) == 4);
    CHECK(exit_status_of(Errc::unreachable) == 5);
    CHECK(exit_status_of(Errc::busy) == 5);
    CHECK(exit_status_of(Errc::outcome_unknown) == 6);
    CHECK(exit_status_of(Errc::corrupt) == 1);
    CHECK(name_of(class_of(Errc::outcome_unknown)) == "timeout");
}

}  // namespace
}  // namespace skald
