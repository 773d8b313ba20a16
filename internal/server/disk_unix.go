//go:build unix

package server

import "golang.org/x/sys/unix"

// freeSpace asks the file system of dir.
func freeSpace(dir string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	block := uint64(st.Bsize)                                        //nolint:gosec,unconvert,nolintlint // its type differs by system; it is never negative
	return uint64(st.Bavail) * block, uint64(st.Blocks) * block, nil //nolint:unconvert,nolintlint // as above
}
