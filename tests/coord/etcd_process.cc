#include "tests/coord/etcd_process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <future>

#include "coord/http_client.h"

namespace skald::coord {
namespace {

constexpr const char* kProgram = "/usr/bin/etcd";
constexpr int kTriesMax = 20;

}  // namespace

bool EtcdProcess::installed() {
    const bool there = ::access(kProgram, X_OK) == 0;
    if (!there) {
        WARN(kProgram << " is not installed: nothing is tested");
    }
    return there;
}

int EtcdProcess::free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket, generic, length) == 0);
    REQUIRE(::getsockname(socket, generic, &length) == 0);
    ::close(socket);
    return ntohs(address.sin_port);
}

EtcdProcess::EtcdProcess(std::vector<std::string> arguments, std::string scheme)
    : arguments_(std::move(arguments)), scheme_(std::move(scheme)) {
    for (int tries = 0; tries < kTriesMax; ++tries) {
        choose_ports();
        if (start()) {
            return;
        }
    }
    FAIL("etcd found no free ports");
}

EtcdProcess::~EtcdProcess() {
    kill();
}

void EtcdProcess::choose_ports() {
    url_ = scheme_ + "://127.0.0.1:" + std::to_string(free_port());
    peer_url_ = "http://127.0.0.1:" + std::to_string(free_port());
}

void EtcdProcess::restart() {
    for (int tries = 0; tries < kTriesMax; ++tries) {
        if (start()) {
            return;
        }
    }
    FAIL("somebody else took the port of etcd");
}

bool EtcdProcess::start() {
    std::vector<std::string> line{kProgram, "--data-dir", directory_.path("etcd"),
                                  "--listen-client-urls", url_, "--advertise-client-urls", url_,
                                  "--listen-peer-urls", peer_url_, "--initial-advertise-peer-urls",
                                  peer_url_, "--initial-cluster", "default=" + peer_url_,
                                  // A lease of the shortest time needs short elections.
                                  "--heartbeat-interval", "10", "--election-timeout", "100",
                                  // The machine goes on when the process does not.
                                  "--unsafe-no-fsync"};
    line.insert(line.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> argv;
    for (std::string& word : line) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    std::array<int, 2> log{};
    REQUIRE(::pipe2(log.data(), O_CLOEXEC) == 0);
    const pid_t parent = ::getpid();
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() == parent) {
            ::dup2(log[1], STDOUT_FILENO);
            ::dup2(log[1], STDERR_FILENO);
            ::execv(kProgram, argv.data());
        }
        ::_exit(127);
    }
    ::close(log[1]);
    log_.clear();
    ended_ = false;
    reader_ = std::thread([this, from = log[0]] { read_log(from); });
    std::unique_lock lock(mutex_);
    const auto serves = [&] {
        return log_.find("ready to serve client requests") != std::string::npos;
    };
    const bool told =
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return ended_ || serves(); });
    const bool taken = log_.find("address already in use") != std::string::npos;
    INFO(log_);
    REQUIRE((told && (serves() || taken)));
    lock.unlock();
    if (taken) {
        kill();
    }
    return !taken;
}

void EtcdProcess::read_log(int from) {
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(from, part.data(), part.size())) > 0;) {
        const std::lock_guard lock(mutex_);
        log_.append(part.data(), static_cast<std::size_t>(got));
        changed_.notify_all();
    }
    ::close(from);
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

void EtcdProcess::kill() {
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        child_ = -1;
        reader_.join();
    }
}

void EtcdProcess::pause() {
    ::kill(child_, SIGSTOP);
    int status = 0;
    REQUIRE(::waitpid(child_, &status, WUNTRACED) == child_);
    REQUIRE(WIFSTOPPED(status));
}

void EtcdProcess::go_on() {
    ::kill(child_, SIGCONT);
}

std::string EtcdProcess::certificate() const {
    return directory_.path("etcd") + "/fixtures/client/cert.pem";
}

EtcdOptions EtcdProcess::options(std::chrono::milliseconds timeout) const {
    EtcdOptions options;
    options.endpoints = {url_};
    options.timeout = timeout;
    return options;
}

std::unique_ptr<Coord> EtcdProcess::connect(std::chrono::milliseconds timeout) const {
    auto coord = connect_etcd(options(timeout));
    INFO((coord ? std::string() : coord.error().message));
    REQUIRE(coord);
    return std::move(*coord);
}

std::string EtcdProcess::post(const std::string& path, const std::string& body) const {
    auto http = HttpClient::start({});
    REQUIRE(http);
    std::promise<HttpEnd> ended;
    HttpRequest request;
    request.url = url_ + path;
    request.body = body;
    request.timeout = std::chrono::seconds(30);
    (*http)->post(std::move(request), [&](HttpEnd end) { ended.set_value(std::move(end)); });
    return ended.get_future().get().body;
}

}  // namespace skald::coord
