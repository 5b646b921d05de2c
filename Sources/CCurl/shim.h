// libcurl's variadic calls as plain ones: Swift cannot make variadic C calls.
#ifndef TESSERA_CURL_SHIM_H
#define TESSERA_CURL_SHIM_H

#include <curl/curl.h>

static inline CURLcode tsr_curl_set_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode tsr_curl_set_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode tsr_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode tsr_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}
typedef size_t (*tsr_curl_data_callback)(char *, size_t, size_t, void *);
static inline CURLcode tsr_curl_set_callback(CURL *handle, CURLoption option,
                                             tsr_curl_data_callback value) {
    return curl_easy_setopt(handle, option, value);
}
typedef int (*tsr_curl_seek_callback)(void *, curl_off_t, int);
static inline CURLcode tsr_curl_set_seek(CURL *handle, tsr_curl_seek_callback value) {
    return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, value);
}
static inline CURLcode tsr_curl_get_offset(CURL *handle, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(handle, info, value);
}
static inline CURLMcode tsr_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

#endif
