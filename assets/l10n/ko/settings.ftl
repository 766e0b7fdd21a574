# The page of settings.

settings-look = 모양
settings-language = 언어
settings-as-system = 시스템과 같게
settings-theme = 테마
settings-light = 밝게
settings-dark = 어둡게
settings-zoom = 확대
settings-reduced-motion = 움직임 줄이기
settings-reduced-motion-hint = 꼭 필요하지 않은 것은 움직이지 않습니다: 흐르는 데이터, 점, 미끄러지는 스위치.
settings-list = 목록
settings-grouped-hint = 네임스페이스마다 접을 수 있는 묶음이 되고, 한 번에 열거나 닫을 수 있습니다.
settings-columns = 보여 줄 열
settings-behaviour = 동작
settings-reopen = 터널 다시 열기
settings-reopen-hint = Adit를 끝낼 때 열려 있던 터널을 다음에 시작할 때 다시 엽니다.
settings-login = 로그인할 때 시작
settings-login-hint = 로그인하면 Adit가 백그라운드에서 시작합니다.
settings-tray = 창을 닫아도 계속 실행
settings-tray-hint = 터널은 그대로 남고, 트레이 아이콘으로 창을 다시 열 수 있습니다.
settings-notify = 오래 끊기면 알림
settings-notify-hint = 터널이 10초 넘게 끊기면 한 번, 다시 이어지면 한 번 조용히 알립니다.
