// An etcd of a test's own, on ports that were free. It ends with the test, however that ends.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "skald/etcd.h"
#include "tests/temp_directory.h"

namespace skald::coord {

class EtcdProcess {
  public:
    // Whether there is one on this machine. Tests that have none say so, and pass.
    static bool installed();
    // A port that nothing listens on, when asked.
    static int free_port();

    // Serves when it is made. Further arguments; `https` by a certificate it makes for itself.
    explicit EtcdProcess(std::vector<std::string> arguments = {}, std::string scheme = "http");
    ~EtcdProcess();
    EtcdProcess(const EtcdProcess&) = delete;
    EtcdProcess& operator=(const EtcdProcess&) = delete;

    void kill();     // -9
    void restart();  // on the same data and ports
    void pause();
    void go_on();

    std::string url() const { return url_; }
    std::string certificate() const;
    EtcdOptions options(std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;
    std::unique_ptr<Coord> connect(
        std::chrono::milliseconds timeout = std::chrono::seconds(10)) const;
    // Its reply.
    std::string post(const std::string& path, const std::string& body) const;

  private:
    void choose_ports();
    bool start();  // false: somebody else has a port
    void read_log(int from);

    const std::vector<std::string> arguments_;
    const std::string scheme_;
    const TempDirectory directory_;
    std::string url_;
    std::string peer_url_;
    pid_t child_ = -1;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string log_;  // guarded by mutex_, like the next
    bool ended_ = false;
    std::thread reader_;
};

}  // namespace skald::coord
