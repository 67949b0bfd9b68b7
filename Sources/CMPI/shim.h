#pragma once
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

// Open MPI's handles are macros over global objects, which Swift does not import; one accessor each.
static inline MPI_Comm CMPI_COMM_WORLD(void) { return MPI_COMM_WORLD; }
