package soft

import "github.com/postern-id/postern/internal/agent/container"

// Put writes a container's file.
func (s *Store) Put(c container.Container) error { return s.save(c) }

// Cheap lets PINs be stretched less.
func Cheap() { memory = 64 }
