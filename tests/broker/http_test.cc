#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>

#include "broker/http/server.h"
#include "broker/metrics.h"

namespace skald::broker {
namespace {

// What the server at host:port sends back until it closes the connection.
std::string ask(const std::string& endpoint, const std::string& request) {
    const std::size_t colon = endpoint.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(endpoint.substr(colon + 1))));
    inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &address.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(request.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t n = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
        answer.append(buffer, static_cast<std::size_t>(n));
    }
    close(fd);
    return answer;
}

// Name with labels -> value.
std::map<std::string, double> samples(const std::string& text) {
    std::map<std::string, double> found;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        const std::size_t space = line.rfind(' ');
        if (!line.empty() && line[0] != '#' && space != std::string::npos) {
            found[line.substr(0, space)] = std::stod(line.substr(space + 1));
        }
        at = end == std::string::npos ? text.size() : end + 1;
    }
    return found;
}

}  // namespace

TEST_CASE("http: an address has a port that there is", "[broker]") {
    const std::string address = GENERATE("127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:99999",
                                         "127.0.0.1", "127.0.0.1:80x", "node:80");
    const auto server =
        http::Server::start(address, [](const http::Request&) { return http::Response{}; });
    REQUIRE_FALSE(server);
    CHECK(server.error().code == Errc::invalid_argument);
}

TEST_CASE("http: answers GET by path and refuses the rest", "[broker]") {
    auto server = http::Server::start("127.0.0.1:0", [](const http::Request& request) {
        return http::Response{200, "text/plain", "path " + request.path};
    });
    REQUIRE(server);
    const std::string endpoint = (*server)->endpoint();
    const std::string close = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const std::string answer = ask(endpoint, "GET /livez?x=1" + close);
    CHECK(answer.find("200 OK") != std::string::npos);
    CHECK(answer.find("path /livez") != std::string::npos);
    CHECK(ask(endpoint, "DELETE /livez" + close).find("405") != std::string::npos);
    CHECK(ask(endpoint, "noise\r\n\r\n").find("200") == std::string::npos);
    const std::string large = "GET /" + std::string(20000, 'x') + close;
    CHECK(ask(endpoint, large).find("200") == std::string::npos);
}

TEST_CASE("http: every request is answered, one that is refused by 405 or 400", "[broker]") {
    auto server = http::Server::start("127.0.0.1:0", [](const http::Request&) {
        return http::Response{200, "text/plain", "served"};
    });
    REQUIRE(server);
    const auto first_line = [&](const std::string& request) {
        const std::string answer = ask((*server)->endpoint(), request);
        return answer.substr(0, answer.find("\r\n"));
    };
    const std::string body = "Host: x\r\nContent-Length: 5\r\n\r\nhello";
    const std::string posted = ask((*server)->endpoint(), "POST /livez HTTP/1.1\r\n" + body);
    CHECK(posted.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    CHECK(posted.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
    CHECK(posted.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(first_line("FROB /livez HTTP/1.1\r\nConnection: close\r\n\r\n") ==
          "HTTP/1.1 405 Method Not Allowed");
    CHECK(first_line("GET /livez HTTP/1.1\r\n" + body) == "HTTP/1.1 400 Bad Request");
    CHECK(first_line("noise\r\n\r\n") == "HTTP/1.1 400 Bad Request");
    CHECK(first_line("GET /" + std::string(20000, 'x')) == "HTTP/1.1 400 Bad Request");
}

TEST_CASE("http: an address that is none, or taken", "[broker]") {
    const auto nothing = [](const http::Request&) { return http::Response{}; };
    CHECK(http::Server::start("nonsense", nothing).error().code == Errc::invalid_argument);
    auto first = http::Server::start("127.0.0.1:0", nothing);
    REQUIRE(first);
}

TEST_CASE("metrics: the stages add up to the request", "[broker]") {
    using namespace std::chrono_literals;
    NodeStats stats;
    store::CommitTimes commit;
    commit.begun = 130us;
    commit.checked = 170us;
    commit.durable = 400us;
    for (int i = 0; i < 10; ++i) {
        stats.stages.add({100us, 110us, 120us}, commit, 430us);
    }
    stats.stages.settle();
    stats.counters.ephemeral_published = 3;
    stats.counters.ephemeral_delivered = 5;
    stats.counters.ephemeral_dropped = 7;
    stats.services.timed_out = 8;
    stats.workers = 9;
    ConsumerStatus consumer;
    consumer.settings.name = "mailer";
    consumer.done = 7;
    consumer.parked = 2;
    const auto found = samples(metrics_text(stats, {}, {consumer}, {6, 4}));
    CHECK(found.at(R"(skald_consumer_done_total{consumer="mailer"})") == 7);
    CHECK(found.at(R"(skald_consumer_parked{consumer="mailer"})") == 2);
    double sum = 0;
    for (const char* stage : kStageNames) {
        sum += found.at("skald_stage_seconds_sum{stage=\"" + std::string(stage) + "\"}");
    }
    CHECK(found.at("skald_request_seconds_count") == 10);
    CHECK(found.at("skald_request_seconds_sum") == Approx(10 * 330e-6));
    CHECK(sum == Approx(10 * 330e-6));
    CHECK(found.at("skald_ephemeral_published_total") == 3);
    CHECK(found.at("skald_ephemeral_delivered_total") == 5);
    CHECK(found.at("skald_ephemeral_dropped_total") == 7);
    CHECK(found.at("skald_service_timed_out_total") == 8);
    CHECK(found.at("skald_service_workers") == 9);
    CHECK(found.at("skald_coord_requests_total") == 6);
    CHECK(found.at("skald_coord_polls") == 4);
}

}  // namespace skald::broker
