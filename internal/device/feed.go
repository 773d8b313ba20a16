package device

// A FeedChange is one change that devices are told of, with its place in the tenant's feed.
type FeedChange struct {
	Version int64
	Change  Change
	Device  string // object id of the device that it is for; empty for all
	Subject string // such as the object id of the person whose account changed
}
