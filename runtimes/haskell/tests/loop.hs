main :: IO ()
main = go (0 :: Int)
  where
    go n = if n < 0 then print n else go (n * 3 `mod` 1000003 + 1)
