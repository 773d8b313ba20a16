package disk

// ownersMatter says that a folder's mode tells who may enter. On Windows its access list does,
// which the installer sets.
const ownersMatter = false

// sync makes renames in the folder durable, which NTFS does by itself.
func (d *Dir) sync() error { return d.step() }
