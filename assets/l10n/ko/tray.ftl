# The tray icon and its menu, and notifications of the desktop.

tray-none-open = 열린 터널 없음
tray-open-count = 열림 { $count }
tray-on-the-way = 진행 중 { $count }
tray-need-you = 확인 필요 { $count }
tray-question = 답을 기다리는 질문이 있습니다…
tray-window = 창 보기
tray-at-login = 로그인할 때 시작
tray-quit = 끝내기
tray-quit-closes = 끝내기 (터널 { $count }개 닫힘)
tray-not-there = { $service }: 클러스터에 없음
tray-more = 창에서 { $count }개 더 보기…
tray-open = 열림
tray-answers = 응답합니다
tray-copy = { $address } 복사
tray-copy-address = 주소 복사
tray-browse = 브라우저에서 열기
tray-open-all = 모두 열기
tray-close-all = 모두 닫기
