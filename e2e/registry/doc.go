// Package registry proves the workflows of .github/ as far as a machine without GitHub can: it reads them, checks what
// GitHub's traps are about, runs each step that can run here, pushes the image for both architectures to a registry of
// its own on 127.0.0.1 and starts both.
//
// It needs Docker with buildx, and root with apt-get where qemu-aarch64-static or its registration is missing. The
// registry is built once from the Go module proxy and kept in the cache folder.
package registry
