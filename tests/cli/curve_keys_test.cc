#include "cli/curve_keys.h"

#include <rapidcheck.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/cli/harness.h"

namespace skald::cli {
TEST_CASE("curve_keys: Z85 as its specification has it", "[golden]") {
    const std::string bytes = "\x86\x4F\xD2\x6F\xB5\x59\xF7\x5B";
    CHECK(z85_encode(bytes) == "HelloWorld");
    CHECK(z85_decode("HelloWorld") == bytes);
    CHECK_FALSE(z85_decode("Hello Worl"));
    CHECK_FALSE(z85_decode("Hell"));
    CHECK_FALSE(z85_decode("#####"));
}

TEST_CASE("curve_keys: Z85 of any bytes comes back", "[model]") {
    CHECK(rc::check([] {
        std::string bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
        bytes.resize(bytes.size() / 4 * 4);
        RC_ASSERT(z85_decode(z85_encode(bytes)) == bytes);
    }));
}

TEST_CASE("curve_keys: the public key follows from the secret one", "[golden]") {
    // The server's keys of ZeroMQ's own CURVE test.
    const auto keys = key_pair_of("JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6");
    REQUIRE(keys);
    CHECK(keys->public_key == "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7");
    const CurveKeys made = make_curve_keys();
    CHECK(key_pair_of(made.secret_key)->public_key == made.public_key);
    CHECK(make_curve_keys().secret_key != made.secret_key);
    CHECK_FALSE(key_pair_of("short"));
}

TEST_CASE("keys new: the secret key goes into a file of our own, the public one is printed") {
    Harness harness;
    const TempDirectory directory;
    const std::string path = directory.path("node.key");
    const Ran ran = harness.run({"keys", "new", path});
    REQUIRE(ran.status == 0);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    const auto secret = read_secret_key(path);
    REQUIRE(secret);
    CHECK(ran.out == key_pair_of(*secret)->public_key + "\n");

    const Ran again = harness.run({"keys", "new", path});
    CHECK(again.status == 4);
    CHECK(again.err ==
          "skald: keys new: " + path + ": a file is there already: name another, or remove it\n");
    CHECK(*read_secret_key(path) == *secret);
}

TEST_CASE("curve_keys: a key file others may read, or that is none, is refused") {
    const TempDirectory directory;
    const std::string open_to_all = directory.path("open");
    REQUIRE(write_secret_key(open_to_all, make_curve_keys().secret_key));
    REQUIRE(::chmod(open_to_all.c_str(), 0644) == 0);
    CHECK(read_secret_key(open_to_all).error().message ==
          open_to_all + ": others may read this secret key: chmod 600 it");
    const std::string wrong = directory.path("wrong");
    REQUIRE(write_secret_key(wrong, "not a key"));
    CHECK(read_secret_key(wrong).error().message ==
          wrong + ": not a CURVE key: 40 characters of Z85 are wanted");
    CHECK(read_secret_key(directory.path("none")).error().code == Errc::not_found);
}

}  // namespace skald::cli
