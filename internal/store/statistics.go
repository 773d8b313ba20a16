package store

import "context"

// firstLook is after how many added people PostgreSQL looks at them for the first time.
const firstLook = 256

// grown lets PostgreSQL look anew at the people once there are twice as many as were added before. By itself it does
// so once a minute (autovacuum_naptime); until then it knows nothing of them, takes any index that begins with the tenant for
// as good as the one of the names, and reads everybody to find somebody while an import adds thousands.
func (db *DB) grown(ctx context.Context) {
	n := db.added.Add(1)
	if !db.postgres || n < firstLook || n&(n-1) != 0 {
		return
	}
	_, _ = db.write.ExecContext(ctx, `ANALYZE directory_user`) // a help, which comes by itself later
}
