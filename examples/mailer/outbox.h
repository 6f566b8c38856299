// Mails that were sent: a line each, in a file.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "skald/consumers.h"

namespace shop {

// Thread safe.
class Outbox {
  public:
    // Begins the file anew.
    explicit Outbox(const std::string& path) : file_(path, std::ios::trunc) {}

    // The mail that an event asks for.
    skald::WorkAnswer send(const skald::Work& work);
    // Mails to `wrong` go to `right` from now on.
    void correct(const std::string& wrong, const std::string& right);

    // False after a minute without so many mails and refusals.
    bool wait_for(std::size_t mails, std::size_t refused);

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::ofstream file_;
    std::map<std::string, std::string> corrections_;
    std::map<std::string, std::uint64_t> sent_;  // by order: behind the version of its last mail
    std::size_t mails_ = 0;
    std::size_t refused_ = 0;
};

// The lines of such a file, by the order that they begin with.
std::map<std::string, std::vector<std::string>> mails_in(const std::string& path);

}  // namespace shop
