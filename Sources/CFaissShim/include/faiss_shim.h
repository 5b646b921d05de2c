// A C face over libfaiss. Empty unless the package is built with `--traits Faiss`.
#ifndef TESSERA_FAISS_SHIM_H
#define TESSERA_FAISS_SHIM_H
#endif
