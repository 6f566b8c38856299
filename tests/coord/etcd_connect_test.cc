// Connecting to an etcd: what is refused, and what is said then.
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/coord/etcd_process.h"
#include "tests/coord/etcd_refusal.h"
#include "tests/coord/fake_server.h"
#include "tests/coord/put.h"
#include "tests/coord/told.h"

namespace skald::coord {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Texts = std::vector<std::string>;

// A key that has a password.
constexpr const char* kLockedKey =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,AFC76FF19A455044DC9AC8720EECFAA5\n"
    "\n"
    "QJHaPHx0+p1rXAP2a2oYxg2wy4X/VMrzoK7UJ5v6KqvarlYBiDFtEKgxGYFlfaon\n"
    "duBm15cByoIGFNSw9ilRekwKlkRurSaBOCWng658z/8WO9BOB4XENjt9Nm3TXFYB\n"
    "zGRHWM4faCl95/KPUwBWlXAkI9Z0TjuQnF9IS6vaxCQ=\n"
    "-----END EC PRIVATE KEY-----\n";

std::string written(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    return path;
}

}  // namespace

TEST_CASE("etcd connect: what is no endpoint", "[coord]") {
    EtcdOptions options;
    for (const char* wrong :
         {"", "127.0.0.1:2379", "etcd-1", "ftp://host:1", "http://", "http://:1", "https:///path",
          "http://host:1/path", "http://user@host:1", "http://host\n:1", "http://host",
          "http://host:", "http://host:0", "http://host:65536", "http://host:1x", "http://::1:x"}) {
        options.endpoints = {"http://127.0.0.1:2379", wrong};
        CHECK_THAT(refusal(options, Errc::invalid_argument),
                   Contains("http://HOST:PORT or https://HOST:PORT") && EndsWith("is not"));
    }
    options.endpoints = {};
    CHECK_THAT(refusal(options, Errc::invalid_argument), Contains("1-16 endpoints"));
    options.endpoints.assign(17, "http://127.0.0.1:1");
    CHECK_THAT(refusal(options, Errc::invalid_argument), Contains("1-16 endpoints"));
    options.endpoints = {"http://[::1:1"};
    CHECK_THAT(refusal(options, Errc::invalid_argument), Contains("etcd at http://[::1:1: "));
}

TEST_CASE("etcd connect: options that do not go together", "[coord]") {
    const TempDirectory directory;
    const std::string file = written(directory.path("file"), "x");
    EtcdOptions options;
    options.endpoints = {"https://127.0.0.1:1"};
    const auto refused = [](const EtcdOptions& with) {
        return refusal(with, Errc::invalid_argument);
    };
    EtcdOptions wrong = options;
    wrong.user = "me";
    CHECK_THAT(refused(wrong), Contains("user and password") && Contains("one of them is empty"));
    wrong = options;
    wrong.password = "p";
    CHECK_THAT(refused(wrong), Contains("user and password"));
    wrong = options;
    wrong.cert_file = file;
    CHECK_THAT(refused(wrong), Contains("cert_file and key_file"));
    wrong = options;
    wrong.key_file = file;
    CHECK_THAT(refused(wrong), Contains("cert_file and key_file"));
    wrong = options;
    wrong.timeout = 99ms;
    CHECK_THAT(refused(wrong), Contains("100 ms to 300 s"));
    wrong = options;
    wrong.prefix = std::string(256, 'p');
    CHECK_THAT(refused(wrong), Contains("up to 255 bytes"));
    // What would go unused is not what was meant.
    wrong = options;
    wrong.endpoints.emplace_back("http://127.0.0.1:2");
    wrong.ca_file = file;
    CHECK_THAT(refused(wrong), Contains("http://127.0.0.1:2 is not encrypted"));
    const std::string gone = directory.path("gone");
    for (std::string EtcdOptions::*of :
         {&EtcdOptions::ca_file, &EtcdOptions::cert_file, &EtcdOptions::key_file}) {
        wrong = options;
        wrong.cert_file = wrong.key_file = file;
        wrong.*of = gone;
        CHECK_THAT(refused(wrong), Contains(gone) && Contains("No such file"));
    }
}

TEST_CASE("etcd connect: nobody there, and who is no etcd", "[coord]") {
    EtcdOptions options;
    options.timeout = 2s;
    const std::string nobody = "http://127.0.0.1:" + std::to_string(EtcdProcess::free_port());
    options.endpoints = {nobody, nobody + "/"};
    CHECK_THAT(refusal(options, Errc::unreachable),
               Contains("etcd at " + nobody + ": ") && Contains("; " + nobody + ": ") &&
                   Contains("(does it serve clients there, by that scheme"));
    const std::string page = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n";
    FakeServer other({page, answer("<html>")});
    options.endpoints = {other.url()};
    CHECK_THAT(refusal(options, Errc::malformed),
               Contains("HTTP status 404") && Contains("does an etcd"));
    CHECK_THAT(refusal(options, Errc::malformed), Contains("no reply of etcd"));
    // Its answer to the first bytes of TLS is none.
    options.timeout = 300ms;
    options.endpoints = {"https" + other.url().substr(4)};
    other.close_connection();
    CHECK_THAT(refusal(options, Errc::unreachable), Contains("by that scheme"));
}

TEST_CASE("etcd connect: over TLS", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd({"--auto-tls"}, "https");
    EtcdOptions options = etcd.options();
    // Nobody vouches for it.
    CHECK_THAT(refusal(options, Errc::unreachable), Contains("certificate") && Contains("ca_file"));
    const TempDirectory directory;
    options.ca_file = written(directory.path("ca"), "this is no certificate\n");
    CHECK_THAT(refusal(options, Errc::invalid_argument), Contains("etcd at " + etcd.url() + ": "));
    options.ca_file = etcd.certificate();
    options.cert_file = etcd.certificate();
    options.key_file = written(directory.path("key"), kLockedKey);
    CHECK_THAT(refusal(options, Errc::invalid_argument),
               Contains("key_file, which has no password"));
    options.cert_file = options.key_file = "";
    auto coord = connect_etcd(options);
    REQUIRE(coord);
    put(**coord, "k", "1");
    Told told;
    auto watch = (*coord)->watch(KeyRange::one("k"), Revision{2}, told.handler());
    CHECK(told.wait_for(1) == Texts{"k=1"});
    options.endpoints = {"http" + etcd.url().substr(5)};
    options.ca_file = "";
    CHECK_THAT(refusal(options, Errc::connection_lost), Contains("does it want https://"));
}

TEST_CASE("etcd connect: a user where there are none", "[coord]") {
    if (!EtcdProcess::installed()) {
        return;
    }
    EtcdProcess etcd;
    EtcdOptions options = etcd.options();
    options.user = "me";
    options.password = "p";
    CHECK_THAT(refusal(options, Errc::invalid_argument),
               Contains("authentication is not enabled") && Contains("only where etcd asks"));
}

}  // namespace skald::coord
