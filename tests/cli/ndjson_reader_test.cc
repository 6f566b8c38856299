#include "cli/ndjson_reader.h"

#include <rapidcheck.h>
#include <zlib.h>

#include <catch2/catch.hpp>

#include "cli/gzip_reader.h"

namespace skald::cli {
namespace {

// Gives its text in pieces of at most `step` bytes.
class Dripping final : public ByteSource {
  public:
    Dripping(std::string text, std::size_t step) : memory_(std::move(text)), step_(step) {}
    Result<std::size_t> read(char* to, std::size_t size) override {
        return memory_.read(to, std::min(size, step_));
    }
    std::uint64_t bytes_read() const override { return memory_.bytes_read(); }

  private:
    MemorySource memory_;
    std::size_t step_;
};

using Numbered = std::vector<std::pair<std::uint64_t, std::string>>;

Numbered lines_in(ByteSource& source) {
    NdjsonReader reader(source);
    Numbered lines;
    Line line;
    while (true) {
        const auto got = reader.next(line);
        REQUIRE(got);
        if (!*got) {
            return lines;
        }
        lines.emplace_back(line.number, line.text);
    }
}

std::string gzip(const std::string& text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
    std::string copy = text;
    stream.next_in = reinterpret_cast<Bytef*>(copy.data());
    stream.avail_in = static_cast<uInt>(copy.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
}

std::string unpack(const std::string& packed, std::size_t step) {
    Dripping drip(packed, step);
    GzipReader reader(drip);
    auto text = read_all(reader, 1 << 30);
    return text ? *text : "error: " + text.error().message;
}

}  // namespace

TEST_CASE("ndjson_reader: lines with their numbers, blank ones passed over") {
    Dripping source("\xEF\xBB\xBF{}\n\n  \t\n{\"a\":1}\r\nlast", 3);
    CHECK(lines_in(source) == Numbered{{1, "{}"}, {4, "{\"a\":1}"}, {5, "last"}});
    MemorySource empty("");
    CHECK(lines_in(empty).empty());
    MemorySource newlines("\n\n");
    CHECK(lines_in(newlines).empty());
}

TEST_CASE("ndjson_reader: the pieces input comes in do not matter", "[model]") {
    CHECK(rc::check([] {
        const auto texts = *rc::gen::container<std::vector<std::string>>(
            rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', 'z'))));
        std::string all;
        Numbered expected;
        for (const std::string& text : texts) {
            expected.emplace_back(expected.size() + 1, text);
            all += text + "\n";
        }
        Dripping source(all, *rc::gen::inRange<std::size_t>(1, 9));
        RC_ASSERT(lines_in(source) == expected);
    }));
}

TEST_CASE("ndjson_reader: a line at the bound is whole") {
    MemorySource most(std::string(kLineBytesMax, 'x') + "\n");
    CHECK(lines_in(most).size() == 1);
}

TEST_CASE("ndjson_reader: a line beyond the bound is passed over, and told with its number") {
    const std::size_t beyond =
        GENERATE(kLineBytesMax + 1, kLineBytesMax + 512 * 1024, std::size_t{3 * kLineBytesMax});
    const std::size_t step = GENERATE(std::size_t{4093}, std::size_t{1 << 22});
    const std::string end = GENERATE(as<std::string>{}, "\n{\"a\":1}\n", "\n", "");
    Dripping source("{}\n" + std::string(beyond, 'x') + end, step);
    NdjsonReader reader(source);
    Line line;
    REQUIRE(reader.next(line).value());
    CHECK_FALSE(line.too_long);
    REQUIRE(reader.next(line).value());
    CHECK(line.number == 2);
    CHECK(line.too_long);
    CHECK(line.text.empty());
    CHECK(reader.next(line).value() == (end.size() > 1));
    if (end.size() > 1) {
        CHECK(line.number == 3);
        CHECK(line.text == "{\"a\":1}");
        CHECK_FALSE(line.too_long);
        CHECK_FALSE(reader.next(line).value());
    }
}

TEST_CASE("gzip_reader: plain and packed text, in pieces, in several members") {
    const std::string text = std::string(100'000, 'a') + "\nend";
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1 << 20}}) {
        CHECK(unpack(text, step) == text);
        CHECK(unpack(gzip(text), step) == text);
        CHECK(unpack(gzip(text) + gzip("more"), step) == text + "more");
        CHECK(unpack(gzip(""), step).empty());
        CHECK(unpack("\x1f", step) == "\x1f");
        CHECK(unpack("", step).empty());
    }
}

TEST_CASE("gzip_reader: broken input is an error") {
    const std::string packed = gzip("some text");
    CHECK(unpack(packed.substr(0, packed.size() - 3), 4) ==
          "error: gzip input is broken: it ends too early");
    std::string changed = packed;
    changed[packed.size() - 6] = static_cast<char>(changed[packed.size() - 6] ^ 1);
    CHECK(unpack(changed, 4) == "error: gzip input is broken: incorrect data check");
    MemorySource source(changed);
    GzipReader reader(source);
    CHECK(read_all(reader, 1 << 20).error().code == Errc::corrupt);
}

}  // namespace skald::cli
